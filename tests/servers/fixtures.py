"""Fixtures that give a real server of each kind."""
