"""The provider simulator: a server with OpenAI's and Anthropic's API that fails on request.

It calls itself a simulator in every answer. It shares no code with the gateway, so that it does not
share its mistakes.
"""
