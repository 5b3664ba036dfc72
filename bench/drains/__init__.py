"""One file per library that takes events off the bus: `fill` gives it work, `drain` has its handler called for all."""
