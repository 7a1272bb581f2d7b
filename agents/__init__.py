"""The agents in the Redis pods (start, hand-over of a master, health), the backup and a DNS server.

The DNS server gives the edge proxy the addresses of the gateway's pods. The agents of Redis and of
the edge use only the standard library and the redis client. A Redis pod never decides by itself: it
asks the sentinels of all pods, and waits until they agree.
"""
