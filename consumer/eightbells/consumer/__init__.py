"""Reads the bus and hands every ending to a handler, once per group."""
