"""Clusters of this machine, and what is built for them."""
