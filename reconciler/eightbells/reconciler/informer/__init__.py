"""What the cluster shows of Jobs and their pods: a connection, two watches a scope, and the cache that they keep."""
