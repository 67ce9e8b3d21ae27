"""Errors of an existing cluster."""


class ClusterError(Exception):
    """An existing cluster cannot be used as asked: says what, and the way out."""
