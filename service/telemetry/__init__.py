"""What the gateway tells about itself: metrics, one log line per request, probes."""
