"""Clusters on this machine, and the builds that they need."""
