"""The edge: how clients reach the gateway."""
