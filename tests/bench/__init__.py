"""The benchmark: the cost of a request in this gateway, in a raw proxy and in other gateways.

Run `make bench`, or see `python -m tests.bench --help`. This is not a test: only the ratios of
figures of the same machine and the same run have a meaning.
"""
