"""The contract of the bus: the event (`schema`, `document`), its codes, and the scripts (`requests`).

`contract` holds the same as plain constants for the wrapper, which may import nothing else of this package.
"""
