"""Conformance of kube-informer with client-go: the same histories, three informers, one table.

Three programs read the same server through the same histories: this library's informer,
client-go's (``client_go/``) and the official Python client's. What each of them saw is compared;
``docs/conformance.md`` is the outcome. Nothing here belongs to the distribution.
"""
