"""The stack of compose.yaml: its generated files and its secrets, from an environment's file.

`python -m infra.compose files STACK_FILE` and `python -m infra.compose secrets STACK_FILE FOLDER`.
"""
