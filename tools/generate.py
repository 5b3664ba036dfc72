"""Write the files that are derived from others; `--check` only says which are not current (exit 1).

`digests.py` from the `.lua` files, and the JSON Schema of the event from its Structs. No file is edited by hand.
"""

import hashlib
import inspect
import json
import sys
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = ROOT / "wrapper/eightbells/events/contract"


def digests() -> str:
    """Return the module that holds the SHA-1 of each script."""
    lines = [
        '"""SHA-1 of each script, for EVALSHA; generated from the .lua files by `make generate`."""',
        "",
        "SHA1 = {",
    ]
    for script in sorted((CONTRACT / "lua").glob("*.lua")):
        digest = hashlib.sha1(script.read_bytes(), usedforsecurity=False).hexdigest()
        lines.append(f'    "{script.stem}": "{digest}",')
    return "\n".join([*lines, "}", ""])


def event_schema() -> str:
    """Return the JSON Schema of the event; it allows unknown properties, because v1 only grows."""
    from eightbells.events.schema import Event

    schema = dedented(msgspec.json.schema(Event))
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2) + "\n"


def dedented(schema: Any) -> Any:
    """Return the schema with its descriptions as Python 3.13 keeps docstrings: without their indentation."""
    if isinstance(schema, str):
        return inspect.cleandoc(schema)
    if isinstance(schema, list):
        return [dedented(one) for one in schema]
    return {name: dedented(one) for name, one in schema.items()} if isinstance(schema, dict) else schema


def main() -> int:
    """Write or check every generated file."""
    # The digests come first: the schema imports a package that needs them.
    files = {CONTRACT / "digests.py": digests, ROOT / "docs/event.schema.json": event_schema}
    stale = []
    for path, make in files.items():
        content = make()
        if path.exists() and path.read_text() == content:
            continue
        stale.append(path.relative_to(ROOT))
        if "--check" not in sys.argv:
            path.write_text(content)
    for path in stale:
        print(f"{path} was not current" if "--check" not in sys.argv else f"{path} is not current: run `make generate`")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
