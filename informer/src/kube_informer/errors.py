"""What can go wrong, as types; a caller need not read messages to tell cases apart."""


class InformerError(Exception):
    """Base of every error this library raises on purpose."""


class TransportError(InformerError):
    """A request brought no usable answer: refused, reset, timed out, cut off, TLS failed.

    ``verb`` and ``path`` say what was asked and ``server`` of whom; ``sent`` is
    whether the request may have reached the server.
    """

    def __init__(self, verb: str, path: str, server: str, cause: str, *, sent: bool) -> None:
        super().__init__(f"{verb} {path} at {server}: {cause}")
        self.verb = verb
        self.path = path
        self.server = server
        self.cause = cause
        self.sent = sent


class TransportTimeoutError(TransportError):
    """Nothing came within the time allowed; the connection was given up."""


class CredentialsError(InformerError):
    """Credentials that cannot be used; the message names field, file and remedy, never a value."""


class KubeconfigError(CredentialsError):
    """A kubeconfig, or a context in it, that cannot be used."""


class SelectorError(InformerError, ValueError):
    """A selector does not parse, or names a field this resource cannot be selected by.

    The message is what the body of a 400 may carry.
    """


class UndecodableError(InformerError, ValueError):
    """Bytes that should have been a Kubernetes object, list, event or Status are not.

    ``key`` is the object's key if that much could be read, else "".
    """

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class NotSyncedError(InformerError):
    """The cache was read before its first fill was complete."""


class LifecycleError(InformerError):
    """An informer was started twice, changed after its start, or used after its stop."""


class TransformError(UndecodableError):
    """A transform raised, or gave back something that is no Kubernetes object."""


class HandlerError(InformerError, ValueError):
    """A handler lacks a method, asks for too short a resync, or is not at this informer."""


class SyncError(InformerError):
    """The server says that the resource cannot be listed at all: unknown to it, or asked wrongly.

    ``code`` is the HTTP status. The informer goes on trying, in case the
    resource comes to be; this error is for those who wait for the first fill.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class UnknownIndexError(InformerError, KeyError):
    """No indexer of that name was added."""
