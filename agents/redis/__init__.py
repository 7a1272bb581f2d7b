"""What starts, stops, watches and probes Redis and Sentinel inside their pods."""
