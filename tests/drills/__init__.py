"""Faults, each caused for real on a cluster, and what a consumer is told of it: a table, and who runs it."""
