"""A real Kubernetes cluster for the tests: real API server, controllers, scheduler, kubelets and etcd."""
