"""What the dispatcher promises: alone, and with a real bus."""
