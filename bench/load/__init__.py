"""The load: a Locust process of its own, driven through its standard streams.

Only this package imports locust or gevent, which monkey-patch. Its routes are plain
data, and any package may read them.

Servers, clusters and results do not belong here; a target is an address.
"""
