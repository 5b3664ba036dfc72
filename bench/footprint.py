"""What the wrapper costs a container: time at the start and the end, memory, and throughput of output."""

from collections.abc import Iterator

from bench import capture, exits, memory, start
from bench.figures import Table
from bench.programs import find_programs
from bench.servers import Server


def measure(server: Server, rounds: int) -> Iterator[Table]:
    """Measure all of it, on one server: it is hardly the server's time that is measured."""
    with find_programs() as programs:
        yield start.measure_overhead(programs)
        yield start.measure_command(server, programs)
        yield memory.measure(server, programs, rounds)
        yield capture.measure(server, programs, rounds)
        yield exits.measure(server, programs, rounds + 1)  # a p99 needs more
