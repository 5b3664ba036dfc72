"""Measures the bus against peers: every figure is a ratio taken in one run, beside its peer on the same server."""
