"""Conformance of kube-informer with client-go: the same histories, three informers, one table.

Three programs read the same server through the same histories: this library's informer,
client-go's (``client_go/``) and the official Python client's. Their findings are compared, and
``docs/conformance.md`` is the result. The distribution contains nothing of this package.
"""
