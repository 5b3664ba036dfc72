"""What programs on the bus agree on: the contract as plain constants, the event as Structs."""
