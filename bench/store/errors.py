"""Errors of a results folder."""


class StoreError(Exception):
    """A results folder cannot be read or written; the message names the file and the way out."""
