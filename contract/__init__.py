"""Names and numbers that the packages share: ports, paths, metrics, labels and headers.

This package imports no other one, so that every package, and every image, can import it.
`contract.values` and `contract.gateway_config` need pydantic: infra and the gateway use them.
"""
