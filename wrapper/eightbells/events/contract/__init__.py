"""The protocol of the bus as plain constants and functions: codes, key names, limits, scripts.

The wrapper runs beside other people's code and pays for every import with their memory, so nothing here
imports anything but its own siblings. Whoever wants types, Structs and parsed replies uses `eightbells.events`.
"""
