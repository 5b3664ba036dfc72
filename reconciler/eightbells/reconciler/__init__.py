"""Says how a Job ended, from what Kubernetes shows of it: the rules of docs/faults.md, and `eightbells explain`."""
