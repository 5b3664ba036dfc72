"""The reconciler's own tests: every fault in a file, and what is said of it."""
