"""The subcommands of `eightbells` that the dispatcher brings: one module each, thin over the library."""
