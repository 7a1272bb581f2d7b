"""The fault suite: what a client sees of each fault of a provider; it makes docs/faults.md."""
