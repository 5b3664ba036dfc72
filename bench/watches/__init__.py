"""One watch of pods each, by a library of its own: `watch(kubeconfig, laps)` returns once `laps` has its last event."""
