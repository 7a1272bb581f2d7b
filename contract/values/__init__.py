"""Types of configuration values that infra and the gateway share; they need pydantic."""
