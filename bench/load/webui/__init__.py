"""Locust's web page on both servers, behind our own page on the load of the API server.

The measurements come from the harness (``bench.interactive``); nothing here reads a cluster.
"""
