"""What runs inside the Redis pods: when a Redis may start as what, and how a master leaves.

Beside it the backup job, and what tells the entrance the gateway's pods. Standard library and the
redis client only. A pod never decides by itself: the sentinels of all pods
are asked, and without their agreement it waits.
"""
