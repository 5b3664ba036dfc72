"""What a watch took: from its first event to its last, on the clock and of this process's CPU."""

import time


class Laps:
    """Counts up to `target`; says so when it is reached."""

    def __init__(self, target: int) -> None:
        self.count = 0
        self.seconds = 0.0
        self.cpu = 0.0
        self._target = target

    def add(self) -> bool:
        """Note one event; return whether it was the last."""
        if not self.count:
            self.seconds, self.cpu = time.perf_counter(), time.process_time()
        self.count += 1
        if self.count == self._target:
            self.seconds, self.cpu = time.perf_counter() - self.seconds, time.process_time() - self.cpu
        return self.count == self._target
