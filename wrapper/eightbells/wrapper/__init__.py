"""The entrypoint of a dispatch: runs the command, reports how it ended, keeps its exit code."""

__version__ = "0.1.0"
