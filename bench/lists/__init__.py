"""One list of pods each, by a library of its own: `read(kubeconfig)` returns all of them, to be held on to."""
