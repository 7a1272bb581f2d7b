"""Shared state: limits in Redis or in the process, and the ring of API keys."""
