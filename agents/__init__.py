"""What runs inside the Redis pods: their start, the hand-over of a master, their health.

Beside it the backup job, and what tells the entrance the gateway's pods. Standard library and the
redis client only. A pod never decides by itself: the sentinels of all pods
are asked, and without their agreement it waits.
"""
