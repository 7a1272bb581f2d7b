"""Redis with Sentinel, its metrics exporter and its backup job."""
