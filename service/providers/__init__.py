"""Providers: the catalogue of their kinds, their wire formats, and the HTTP client."""
