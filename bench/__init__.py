"""Measures bus and wrapper against peers: every figure is a ratio taken in one run, beside its peer."""
