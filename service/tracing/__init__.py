"""OpenTelemetry traces of requests; imported only when the settings want them.

Nothing else in the service imports OpenTelemetry.
"""
