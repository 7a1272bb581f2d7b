"""The backup job: stores a checked dump of Redis in an S3-compatible bucket, and removes old ones.

It runs in a separate pod, and has only passwords of users with few rights. It does not restore.
"""
