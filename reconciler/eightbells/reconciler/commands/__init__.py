"""The reconciler's commands of `eightbells`."""
