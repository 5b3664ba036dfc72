"""The path on a real cluster: what is promised is seen to hold there."""
