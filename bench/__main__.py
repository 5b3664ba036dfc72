"""`make bench`: prints what publishing, consuming, watching and the wrapper cost, and how long an ending takes, as
markdown tables.

Everything is measured several times, ours and its peers by turns, because what counts on a machine that others use is
a ratio within one run. Nothing is asserted about time.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

import click

from bench import consume, footprint, latency, publish, relist, watch
from bench.figures import Table
from bench.progress import say
from bench.report import output_option, write
from bench.servers import Server, has_redis, serve_embedded, serve_redis

TABLES = {"publish": publish.measure, "consume": consume.measure, "latency": latency.measure}
FOOTPRINT = "footprint"
INFORMER = {"watch": watch.measure, "relist": relist.measure}
ROUNDS = {"publish": 5, "consume": 3, "latency": 2, FOOTPRINT: 3, "watch": 3, "relist": 3}


@click.command(context_settings={"auto_envvar_prefix": "BENCH"})
@click.argument("tables", nargs=-1, type=click.Choice([*TABLES, FOOTPRINT, *INFORMER]))
@output_option
@click.option("--rounds", type=click.IntRange(1), help="How often everything is measured.  [default: 5, 3, 2, then 3]")
def main(tables: tuple[str, ...], output: str, rounds: int | None) -> None:
    """Measure TABLES (all of them by default): the first three on every server there is."""
    write(measure(tables or (*TABLES, FOOTPRINT, *INFORMER), rounds), output)


def measure(tables: Sequence[str], rounds: int | None) -> Iterator[Table]:
    """Measure what was asked for, one table after the other."""
    for serve in servers() if set(tables) & set(TABLES) else []:
        with serve as server:
            for name in tables:
                if name in TABLES:
                    yield TABLES[name](server, rounds or ROUNDS[name])
    if FOOTPRINT in tables:
        with servers()[-1] as server:
            yield from footprint.measure(server, rounds or ROUNDS[FOOTPRINT])
    for name, table in INFORMER.items():
        if name in tables:
            yield table(rounds or ROUNDS[name])


def servers() -> list[AbstractContextManager[Server]]:
    """The servers to measure on."""
    if has_redis():
        return [serve_embedded(), serve_redis()]
    say("there is no redis-server on PATH (Debian's package redis-server): only the embedded server is measured")
    return [serve_embedded()]


if __name__ == "__main__":
    main()
