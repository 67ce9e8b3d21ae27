"""Errors of a results folder."""


class StoreError(Exception):
    """A results folder cannot be read or written; the message names the file and the way out."""


class UnknownRunError(StoreError):
    """There is no run of that name; the message names those that there are."""
