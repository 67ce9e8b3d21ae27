"""Errors of an existing cluster."""


class ClusterError(Exception):
    """Raised when an existing cluster cannot be used; the message gives reason and remedy."""
