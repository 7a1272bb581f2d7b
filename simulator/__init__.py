"""The provider simulator: an OpenAI-compatible server that fails on request.

It calls itself a simulator in every answer. It knows nothing of the gateway, so that it cannot
share its mistakes.
"""
