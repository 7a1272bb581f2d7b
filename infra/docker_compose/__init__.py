"""The stack of compose.yaml: its generated files and its secrets, from an environment's file.

`python -m infra.docker_compose files STACK_FILE`, or `secrets STACK_FILE FOLDER`.
"""
