"""Pods as models of the official client: read through it, and written as JSON again.

The variants that use this module measure the cost of the official client; none of the
three main servers uses it.
"""

import datetime as dt
from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import urllib3
from kubernetes.client import ApiClient, ApiException, Configuration
from kubernetes.client.rest import RESTClientObject, RESTResponse
from prometheus_client import CollectorRegistry

from kube_informer import PODS, CredentialsError
from kube_informer.transport import OnReceived, Response
from servers.direct import TIMEOUT_S, source_error, unreachable
from servers.metrics import upstream_bytes, upstream_requests
from servers.server import Settings
from servers.source import POD_HEAD, SourceError

if TYPE_CHECKING:
    from kubernetes.client import CoreV1Api

CONNECT_TIMEOUT_S = 3.0


class _CountedResponse(RESTResponse):
    """An answer that counts its bytes as they are read: whole, or of a watch in pieces."""

    def __init__(self, response: urllib3.BaseHTTPResponse, received: OnReceived) -> None:
        super().__init__(response)
        self._received = received
        self._stream = response.stream
        response.stream = self._counted_stream  # type: ignore[method-assign]

    def read(self) -> bytes:
        """Return the body, counted the first time."""
        fresh = self.data is None
        body: bytes = super().read()  # type: ignore[no-untyped-call]
        if fresh:
            self._received(len(body))
        return body

    def _counted_stream(self, *args: Any, **kwargs: Any) -> Iterator[bytes]:  # noqa: ANN401 - urllib3's own signature
        for piece in self._stream(*args, **kwargs):
            self._received(len(piece))
            yield piece


class _CountingRest(RESTClientObject):
    """The official client's HTTP layer over our connections; each request is counted once."""

    def __init__(
        self, configuration: Configuration, settings: Settings, registry: CollectorRegistry
    ) -> None:
        super().__init__(configuration)
        self.pool_manager = settings.config.pools(maxsize=settings.threads)
        self._credentials = settings.config.credentials
        self._count = upstream_requests(registry)
        self._received = upstream_bytes(registry)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the base class's own signature
        code = 0
        kwargs["headers"] = self._credentials.headers(kwargs.get("headers"))
        try:
            response = super().request(method, url, *args, **kwargs)  # type: ignore[no-untyped-call]
            code = response.status
        finally:
            self._count(_verb(url), PODS.plural, "", code)
        if code == HTTPStatus.UNAUTHORIZED:
            self._credentials.reject()
        return _CountedResponse(response.response, self._received)


def _verb(url: str) -> str:
    """Return the audit log's verb for a GET of pods."""
    address = urlsplit(url)
    if parse_qs(address.query).get("watch", [""])[0].lower() == "true":
        return "watch"
    return "list" if address.path.endswith(f"/{PODS.plural}") else "get"


def typed_client(settings: Settings, registry: CollectorRegistry) -> "CoreV1Api":
    """Return the official client's API for pods; its requests are counted and never repeated."""
    # It brings hundreds of models with it, half of a server's start: not for those without them.
    from kubernetes.client import CoreV1Api

    configuration = Configuration()
    configuration.host = settings.config.server
    client = ApiClient(configuration)
    client.user_agent = settings.user_agent
    client.rest_client = _CountingRest(configuration, settings, registry)
    return CoreV1Api(client)


def to_json(pod: Any) -> bytes:  # noqa: ANN401 - V1Pod, untyped
    """Return a model as the API server's JSON for it, keys in model order."""
    fields: dict[str, Any] = _SERIALISER.sanitize_for_serialization(pod)
    fields.pop("kind", None)
    fields.pop("apiVersion", None)
    return POD_HEAD + msgspec.json.encode(fields)[1:]


class _Serialiser(ApiClient):
    """The official client's serialisation, with times as Kubernetes writes them."""

    def sanitize_for_serialization(self, obj: Any) -> Any:  # noqa: ANN401 - any model
        if isinstance(obj, dt.datetime):
            return obj.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return super().sanitize_for_serialization(obj)  # type: ignore[no-untyped-call]


_SERIALISER = _Serialiser(Configuration())


def refusal(
    error: ApiException | CredentialsError | urllib3.exceptions.HTTPError,
) -> SourceError:
    """Return the error for the client for a failed call of the official client."""
    if isinstance(error, ApiException) and error.status:
        body = error.body if isinstance(error.body, bytes) else (error.body or "").encode()
        return source_error(Response(error.status, error.headers or {}, body))
    return unreachable(error)


REQUEST_TIMEOUT = (CONNECT_TIMEOUT_S, TIMEOUT_S)
FAILURES = (ApiException, CredentialsError, urllib3.exceptions.HTTPError)
