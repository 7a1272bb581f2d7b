"""OpenTelemetry traces of requests; imported only when tracing is configured.

No other package of the service imports OpenTelemetry.
"""
