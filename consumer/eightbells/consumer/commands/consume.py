"""`eightbells consume`: a consumer as a process of its own, stopped by SIGTERM or SIGINT."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import click
from eightbells.cli import logs
from eightbells.cli.durations import DURATION
from eightbells.cli.exits import Exit
from eightbells.cli.options import CONTEXT, chosen_url, namespace_option, option, server_options
from eightbells.consumer.consumer import Consumer
from eightbells.consumer.errors import ConsumerError
from eightbells.consumer.handler import load_handler
from eightbells.events.contract.keys import BadName
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError


def how_it_works(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that become `Options`."""
    for add in reversed(
        [
            option("--progress", is_flag=True, help="Deliver running and attempt_ended too, at most once each."),
            option("--concurrency", default=100, help="Handlers that run at once."),
            option("--prefetch", default=500, help="Endings held beside those in handlers, at most."),
            option("--lease", type=DURATION, default="30s", help="After a crash, redelivery takes this long."),
            option("--max-tries", default=10, help="Tries before an ending goes to the dead letters."),
            option("--stop-deadline", type=DURATION, default="20s", help="What handlers are given on SIGTERM."),
        ]
    ):
        command = add(command)
    return command


@click.command(context_settings=CONTEXT)
@option("--handler", required=True, metavar="MODULE:FUNCTION", help="Called with each Delivery.")
@option("--group", required=True, help="Every group gets every ending once; processes of a group share them.")
@server_options
@namespace_option
@how_it_works
def consume(handler: str, group: str, url: str | None, url_file: str | None, **options: Any) -> None:
    """Deliver every ending to a Python function.

    The function takes one Delivery (event, labels, context, fence, idempotency_key). When it returns, the ending is
    committed; when it raises, the ending comes again later.
    """
    logs.configure()
    try:
        consumer = Consumer(chosen_url(url, url_file), group, load_handler(handler), **options)
        run(consumer)
    except (ConsumerError, BadName) as error:
        raise click.UsageError(str(error)) from None
    except (NoPermissionError, AuthenticationError) as error:
        fail(f"the server refuses: {error}", Exit.NO_PERMISSION)
    except RedisError as error:
        fail(f"the server cannot be used: {error}", Exit.UNAVAILABLE)


def run(consumer: Consumer) -> None:
    """Run a consumer until it has stopped. A handler that does not end is left behind: Python would wait for its
    thread or task, past every deadline.
    """
    with asyncio.Runner() as runner:
        runner.run(run_until_stopped(consumer))
        is_thread_left = any(thread.name.startswith("handler") for thread in threading.enumerate())
        if is_thread_left or asyncio.all_tasks(runner.get_loop()):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(Exit.OK)


async def run_until_stopped(consumer: Consumer) -> None:
    """Run a consumer; the first SIGTERM or SIGINT stops it gracefully, a second SIGINT at once."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, consumer.stop)

    def interrupt() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        consumer.stop()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    await consumer.run()


def fail(message: str, code: Exit) -> None:
    """Say what is wrong and exit."""
    click.echo(f"eightbells: {message}", err=True)
    sys.exit(code)
