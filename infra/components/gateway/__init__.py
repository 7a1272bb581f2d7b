"""The gateway: its pods, its configuration and its autoscaling."""
