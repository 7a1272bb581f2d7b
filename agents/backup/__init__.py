"""The backup job: a dump of Redis, checked, in an S3-compatible bucket, and old ones removed.

It runs in a pod of its own and holds the passwords of users with few rights only. Restoring is no
part of it.
"""
