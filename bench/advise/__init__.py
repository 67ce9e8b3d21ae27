"""Clients of an API server and their requests, from its audit log, and an informer's savings. Pure.

Lines (``sources``) become requests (``formats``), sums (``groups``), clients with a verdict
(``verdicts``) and a price (``prices``). No request to a cluster belongs here, and no list of all
requests: memory does not grow with the log.
"""
