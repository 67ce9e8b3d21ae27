"""The load: a Locust process of its own, driven through its standard streams.

Only this room imports locust or gevent, which monkey-patch. The routes below it
are plain data, and may be read by anyone.

What does not belong here: servers, clusters and results; a target is an address.
"""
