"""The gateway: an OpenAI-compatible front for several providers, and a simulator of a provider.

What is here runs in pods. It imports nothing of Pulumi and nothing of the operator's command.
"""
