"""The benchmark: what the gateway costs a request, beside a bare proxy and other gateways.

`make bench`, or `python -m tests.bench --help`. No test: a machine's figures are only worth their
ratios, and those only within one run.
"""
