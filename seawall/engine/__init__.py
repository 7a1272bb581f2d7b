"""The Pulumi engine: which CLI and provider run, the generated project, its secrets, its updates.

Commands use `seawall.engine.stack.Engine`; nothing is imported here, so that the stand-in
provider, which lives below and starts with every update, pays for nothing else.
"""
