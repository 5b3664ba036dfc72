"""`python -m tools.images [NAME…]`: builds the images of images/, and prints their sizes. `--help` says the rest."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tools.images.builders import choose_builder
from tools.images.recipes import EXECUTORS, RUNTIME
from tools.images.revision import find_revision
from tools.images.workshop import LOCAL, PREFIX, Built, Workshop, find_local, is_current, name_archive
from tools.runtime.target import Unbuildable

LIST = "images.json"
MEGABYTE = 1e6


def main(words: list[str]) -> int:
    """Do what the words say."""
    options = read_options(words)
    try:
        if options.has_runtime:
            return 0 if is_current(name_archive(find_local())) else 1
        workshop = Workshop(choose_builder(options.builder), find_revision())
        built = workshop.build(options.names, options.base)
        if options.save:
            built = workshop.save(built, options.save)
            (options.save / LIST).write_text(write_json(built))
    except Unbuildable as problem:
        print(f"no images: {problem}", file=sys.stderr)
        return 1
    print(write_json(built) if options.output == "json" else write_table(built), end="")
    return 0


def read_options(words: list[str]) -> argparse.Namespace:
    """Decode the command line; what is wrong with it ends us, with 2."""
    parser = argparse.ArgumentParser(prog="python -m tools.images", description="Build the images of images/.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join([RUNTIME, *EXECUTORS])}")
    parser.add_argument("--base", help=f"the image that executors stand on, or '{LOCAL}' for one made of packages")
    parser.add_argument("--builder", choices=("docker", "buildah"), help="by default the first that works")
    parser.add_argument("--save", type=Path, metavar="DIR", help=f"write a tar of each image there, and {LIST}")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table")
    parser.add_argument("--has-runtime", action="store_true", help="only say, by 0 or 1, if dist/ has our runtime")
    options = parser.parse_args(words)
    if unknown := set(options.names) - {RUNTIME, *EXECUTORS}:
        parser.error(f"there is no image {unknown.pop()!r}: say {', '.join([RUNTIME, *EXECUTORS])}")
    return options


def write_json(built: list[Built]) -> str:
    """One object an image."""
    return json.dumps([asdict(image) for image in built], indent=2) + "\n"


def write_table(built: list[Built]) -> str:
    """One line an image."""
    rows = [("IMAGE", "FOR", "SIZE", "OF IT ITS BASE")]
    for image in built:
        base = f"{image.base_size / MEGABYTE:.1f} MB, {image.base.removeprefix(PREFIX)}" if image.base else "none"
        name = image.reference.removeprefix("docker.io/library/")
        rows.append((name, image.architecture, f"{image.size / MEGABYTE:.1f} MB", base))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "".join("  ".join([*map(str.ljust, row, widths), row[3]]) + "\n" for row in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
