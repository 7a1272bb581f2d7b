"""The Pulumi engine: which CLI and provider run, the generated project, its secrets, its updates.

Commands use `seawall.engine.stack.Engine`.
"""
