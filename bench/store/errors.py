"""Errors of a results folder."""


class StoreError(Exception):
    """Raised when a results folder cannot be read or written; names the file and the way out."""


class UnknownRunError(StoreError):
    """Raised when there is no run of that name; the message lists the runs."""
