"""One watch of pods each, by a library of its own: `watch(kubeconfig, laps)` returns when `laps` has counted the last."""
