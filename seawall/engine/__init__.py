"""The Pulumi engine: the CLI and the provider, the generated project, its secrets, its updates.

Commands use `seawall.engine.stack.Engine`.
"""
