"""HTTP paths: which handler serves which path. Wiring only."""
