"""Starts, stops, monitors and probes Redis and Sentinel inside their pods."""
