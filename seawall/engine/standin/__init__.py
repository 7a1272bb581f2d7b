"""A stand-in for the Kubernetes provider plugin, for clusters of this kit on machines without it.

It speaks Pulumi's provider protocol and does server-side apply of plain typed resources. It is
not the official provider: it waits for nothing, refuses by name what it does not know, and its
state is not interchangeable with the official provider's.
"""
