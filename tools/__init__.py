"""What keeps generated files current."""
