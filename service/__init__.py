"""The gateway: an OpenAI-compatible API in front of several LLM providers.

This package runs in pods. It imports neither Pulumi nor the `seawall` command.
"""
