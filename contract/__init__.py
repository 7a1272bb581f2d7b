"""The names and numbers that the rooms share: ports, paths, metrics, labels and headers.

This package imports nothing, so that every room, and every image, can import it.
"""
