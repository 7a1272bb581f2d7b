"""Names of components in a cluster that differ from the names in the configuration.

They are the earlier names. Clients use the edge proxy's name as a host name, and a cloud's load
balancer belongs to its Service; a new name would be a new address.
"""

__all__ = ["BLACKBOX_PROBE", "EDGE"]

EDGE = "entrance"
"""The bundled edge proxy: its Deployment, its Service and the label of its pods."""
BLACKBOX_PROBE = "outside-probe"
"""The blackbox probe."""
