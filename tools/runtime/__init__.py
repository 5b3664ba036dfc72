"""Builds the runtime: the directory that carries the wrapper, its interpreter and their libraries into any image."""
