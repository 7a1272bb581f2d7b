"""A DNS server in nginx's pod that always answers."""
