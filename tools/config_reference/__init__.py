"""The reference page of the configuration, generated from its models."""
