"""`eightbells explain`: read a dump, classify each Job in it, and say why, for people and for programs."""
