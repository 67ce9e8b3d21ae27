"""Locust's web page on both servers, behind a page of our own: what reaches the API server.

The Locust side of ``python -m bench ui``: user classes of each server, shapes,
the form's arguments, the page and what it asks for. What is measured comes from
the harness over a Unix socket (``bench.interactive``); nothing here looks at a cluster.
"""
