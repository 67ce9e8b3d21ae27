"""Errors of the library: one type a case, so that no caller has to read messages."""


class InformerError(Exception):
    """Base class of every error that this library raises on purpose."""


class TransportError(InformerError):
    """Raised when a request gets no usable answer: refused, reset, timed out, cut off, TLS failed.

    ``verb`` and ``path`` name the request and ``server`` the server; ``sent`` is
    whether the request may have reached it.
    """

    def __init__(self, verb: str, path: str, server: str, cause: str, *, sent: bool) -> None:
        super().__init__(f"{verb} {path} at {server}: {cause}")
        self.verb = verb
        self.path = path
        self.server = server
        self.cause = cause
        self.sent = sent


class TransportTimeoutError(TransportError):
    """Raised when nothing comes within the time limit; the connection is dropped."""


class CredentialsError(InformerError):
    """Raised for unusable credentials; the message names field, file and remedy, never a value."""


class KubeconfigError(CredentialsError):
    """Raised for a kubeconfig, or a context in it, that cannot be used."""


class SelectorError(InformerError, ValueError):
    """Raised when a selector does not parse, or its field does not select this resource.

    The body of a 400 answer may carry the message.
    """


class UndecodableError(InformerError, ValueError):
    """Raised when bytes are not the Kubernetes object, list, event or Status expected.

    ``key`` is the object's key if it could be read, else "".
    """

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class NotSyncedError(InformerError):
    """Raised when the cache is read before its first fill is complete."""


class LifecycleError(InformerError):
    """Raised when an informer is started twice, changed once started, or used once stopped."""


class TransformError(UndecodableError):
    """Raised when a transform raises, or returns something that is no Kubernetes object."""


class HandlerError(InformerError, ValueError):
    """Raised when a handler lacks a method, has too short a resync, or is not at this informer."""


class SyncError(InformerError):
    """Raised when the server cannot list the resource at all: unknown, or an invalid request.

    ``code`` is the HTTP status. The informer keeps trying, in case the resource
    appears; this error is for callers that wait for the first fill.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class UnknownIndexError(InformerError, KeyError):
    """Raised when no indexer of that name was added."""
