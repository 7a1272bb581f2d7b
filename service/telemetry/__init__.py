"""Telemetry: metrics, one log line per request, probes and the status page."""
