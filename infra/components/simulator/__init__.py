"""Simulated providers, for environments without real ones."""
