"""What the commands of `eightbells` share, whichever program brings them: options, exit codes, durations, logs."""
