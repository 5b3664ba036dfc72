"""The subcommands of `eightbells` that the consumer brings: one module each, thin over the library."""
