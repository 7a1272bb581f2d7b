"""Access to a cluster's API server."""
