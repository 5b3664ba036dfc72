"""Who looks at the dispatches of a site from outside: a consumer, a watch of the Pods and one of the Jobs."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import Popen

from bench.latency import is_reading
from bench.moments import ENDING_HANDLED, JOB_FINISHED, POD_TERMINATED, Moments, read_notes
from bench.waiting import wait_until
from tests.e2e.site import BUS, Site
from tests.servers.local import dying_with_us

SECONDS_TO_START = 60
SECONDS_TO_END = 180
LAST = {ENDING_HANDLED, POD_TERMINATED, JOB_FINISHED}
"""What each of them sees last of a dispatch."""

PROGRAM = str(Path(sys.executable).with_name("eightbells"))


class Observers:
    """Processes by what they do, and the folder where each has its notes."""

    def __init__(self, processes: dict[str, "Popen[bytes]"], folder: Path) -> None:
        self._processes = processes
        self._files = [folder / name for name in processes]

    def wait_for(self, dispatch: str) -> Moments:
        """Return all that they saw of a dispatch, once each has seen its end."""
        wait_until(lambda: self._have_seen(dispatch), f"end of {dispatch} that all have seen", SECONDS_TO_END)
        return read_notes(dispatch, self._files)

    def _have_seen(self, dispatch: str) -> bool:
        for name, process in self._processes.items():
            assert process.poll() is None, f"the {name} has ended, with {process.returncode}"
        return read_notes(dispatch, self._files).keys() >= LAST


@contextmanager
def observe(site: Site, folder: Path) -> Iterator[Observers]:
    """Start all of them; they are killed at the end, or when we die."""
    with ExitStack() as ends:
        processes = {name: ends.enter_context(start(words, folder / name)) for name, words in commands(site).items()}
        server = site.server.client()
        wait_until(lambda: is_reading(server), "consumer that reads", SECONDS_TO_START)
        yield Observers(processes, folder)


def commands(site: Site) -> dict[str, tuple[str, ...]]:
    """What starts each."""
    consumer = ("consume", "--url", site.server.url, "--namespace", BUS, "--group", "bench", "--progress")
    watcher = (sys.executable, "-m", "bench.watcher", str(site.cluster.kubeconfig), site.namespace)
    return {
        "consumer": (PROGRAM, *consumer, "--handler", "bench.noting:handle"),
        "watch of the pods": (*watcher, "pods"),
        "watch of the jobs": (*watcher, "jobs"),
    }


@contextmanager
def start(words: tuple[str, ...], notes: Path) -> Iterator["Popen[bytes]"]:
    """A process that writes its notes into a file; a Ctrl-C is for us alone, who then end it."""
    with notes.open("wb") as file, Popen([*dying_with_us(), *words], stdout=file, process_group=0) as process:
        try:
            yield process
        finally:
            process.kill()
