"""The architectures a runtime is built for, and what each toolchain calls them."""

import os
from dataclasses import dataclass


class Unbuildable(Exception):
    """A runtime cannot be built here: says what is missing and what to do about it."""


@dataclass(frozen=True)
class Target:
    """One architecture: in Debian, in the kernel and GNU triplets, and the loader of its C library."""

    debian: str
    machine: str
    loader: str

    @property
    def triplet(self) -> str:
        return f"{self.machine}-linux-gnu"

    @property
    def musl(self) -> str:
        return f"{self.machine}-linux-musl"

    @property
    def is_local(self) -> bool:
        """Whether its programs run on this machine."""
        return os.uname().machine == self.machine


TARGETS = {
    target.debian: target
    for target in (
        Target("amd64", "x86_64", "ld-linux-x86-64.so.2"),
        Target("arm64", "aarch64", "ld-linux-aarch64.so.1"),
    )
}
