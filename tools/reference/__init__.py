"""Generates the pages of docs/reference/ that derive from code."""
