"""Shared state: limits and budgets in Redis or in the process, and the API keys."""
