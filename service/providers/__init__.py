"""Providers: which kinds there are, what they speak, and the one client that calls them."""
