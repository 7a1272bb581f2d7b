"""The reference page of the configuration, made of its models."""
