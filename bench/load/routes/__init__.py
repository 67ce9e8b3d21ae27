"""What is asked of a server, one file a route, found by its name.

A route is plain data and pure functions: no network, no locust.

"""
