"""The options that several commands share, each with the variable it is read from."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

CONTEXT = {"auto_envvar_prefix": "EIGHTBELLS", "show_default": True}
"""Settings of every command: `--max-tries` is also EIGHTBELLS_MAX_TRIES, whichever command it belongs to."""


class ServerUrl(click.ParamType[str]):
    """A URL of a Redis or Valkey server."""

    name = "url"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the URL, or say what one looks like; the URL itself is not shown, because it holds a password."""
        if not value.startswith(("redis://", "rediss://", "unix://")):
            self.fail("the server's URL begins with redis://, rediss:// or unix://", param, ctx)
        return value


class FirstLine(click.ParamType[str]):
    """A file that holds a secret in its first line."""

    name = "file"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the first line."""
        try:
            return Path(value).read_text(encoding="utf-8").split("\n", 1)[0].strip()
        except OSError as error:
            self.fail(f"{value}: {error.strerror}", param, ctx)


option = partial(click.option, show_envvar=True)
"""An option that names its variable in `--help`."""


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--url` and `--url-file`; the command gets both, and `chosen_url` makes one of them."""
    command = option(
        "--url-file",
        type=FirstLine(),
        help="A file with the URL in its first line, for a URL with a password.",
    )(command)
    return option("--url", type=ServerUrl(), help="The server: redis://, rediss:// or unix://.")(command)


def chosen_url(url: str | None, url_file: str | None) -> str:
    """Return the URL that was given, from whichever option."""
    chosen = url or url_file
    if not chosen:
        raise click.UsageError("no server: give --url or --url-file, or set EIGHTBELLS_URL or EIGHTBELLS_URL_FILE")
    return str(ServerUrl().convert(chosen, None, None))


namespace_option = option("--namespace", default="default", help="The bus namespace: 1 to 63 of a-z 0-9 -.")
