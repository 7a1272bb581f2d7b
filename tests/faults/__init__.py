"""The fault suite: what a client sees of each provider fault; it generates docs/faults.md."""
