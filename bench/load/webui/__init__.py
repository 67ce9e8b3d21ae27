"""Locust's web page on both servers, behind a page of our own: what reaches the API server.

What is measured comes from the harness (``bench.interactive``); nothing here looks at a cluster.
"""
