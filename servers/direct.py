"""The source that asks the API server on every request, as a careful engineer would.

A pool of connections, no decoding of models: a parser splits a list into its items
without decoding them, and the items are joined again, each with the ``kind`` and
``apiVersion`` that the items of a list lack.
"""

from dataclasses import replace
from http import HTTPStatus
from urllib.parse import quote

import msgspec
from prometheus_client import CollectorRegistry

from kube_informer.errors import TransportError
from kube_informer.transport import Response, Transport
from servers.server import Settings, connect
from servers.source import POD_HEAD, Pod, PodPage, PodQuery, PodSource, SourceError

TIMEOUT_S = 30.0
"""The longest wait for bytes: an overloaded API server may take many seconds for a big list."""

_FORWARDED = frozenset((400, 404, 410, 422, 429, 503, 504))
"""Codes that mean the same to the client as to this server."""

RETRY_AFTER_S = 1
"""The ``Retry-After`` for a client if the API server is in trouble and gives none."""


class _ListMeta(msgspec.Struct, gc=False):
    resourceVersion: str = ""  # noqa: N815 - Kubernetes' spelling
    continue_: str = msgspec.field(default="", name="continue")


class _PodList(msgspec.Struct, gc=False):
    metadata: _ListMeta
    items: list[msgspec.Raw] | None = None


class _ObjectMeta(msgspec.Struct, gc=False):
    resourceVersion: str = ""  # noqa: N815 - Kubernetes' spelling


class _Pod(msgspec.Struct, gc=False):
    metadata: _ObjectMeta


class _Status(msgspec.Struct, gc=False):
    message: str = ""
    metadata: _ListMeta | None = None


_decode_list = msgspec.json.Decoder(_PodList).decode
_decode_pod = msgspec.json.Decoder(_Pod).decode
_decode_status = msgspec.json.Decoder(_Status).decode


class DirectSource(PodSource):
    """Pods from the API server itself.

    ``default_version`` is the resourceVersion to send if a client gives none: ``""``
    requests the newest state, ``"0"`` the content of the API server's own cache,
    which is the consistency of an informer. The readiness check reads ``namespace``,
    or all namespaces if it is ``None``.
    """

    def __init__(
        self, transport: Transport, *, default_version: str = "", namespace: str | None = None
    ) -> None:
        self._transport = transport
        self._namespace = namespace
        self._default_version = default_version

    def close(self) -> None:
        """Close the idle connections."""
        self._transport.close()

    def list_pods(self, query: PodQuery) -> PodPage:
        """List at the API server; see :class:`servers.source.PodSource`."""
        if not (query.resource_version or query.continue_token):
            query = replace(query, resource_version=self._default_version)
        body = self._get(_list_path(query.namespace), _parameters(query), "list")
        pods = _decode_list(body)
        return PodPage(
            parts=_join(pods.items or []),
            resource_version=pods.metadata.resourceVersion,
            continue_token=pods.metadata.continue_,
        )

    def get_pod(self, namespace: str, name: str, resource_version: str) -> Pod:
        """Get one pod at the API server; see :class:`servers.source.PodSource`."""
        path = f"/api/v1/namespaces/{_segment(namespace)}/pods/{_segment(name)}"
        version = resource_version or self._default_version
        body = self._get(path, {"resourceVersion": version} if version else {}, "get")
        return Pod([body.rstrip()], _decode_pod(body).metadata.resourceVersion)

    def check_ready(self) -> None:
        """List one pod: shows that the API server answers and lets this identity read."""
        self._get(_list_path(self._namespace), {"limit": "1"}, "list")

    def _get(self, path: str, parameters: dict[str, str], verb: str) -> bytes:
        try:
            response = self._transport.get(
                path, parameters, timeout=TIMEOUT_S, verb=verb, resource="pods"
            )
        except TransportError as error:
            raise unreachable(error) from error
        if response.status != HTTPStatus.OK:
            raise source_error(response)
        return response.body


def over_api_server(
    settings: Settings,
    registry: CollectorRegistry,
    *,
    default_version: str = "",
    gzip: bool = False,
) -> DirectSource:
    """Return a source over its own transport, whose requests ``registry`` counts."""
    transport = connect(settings, registry, settings.threads, gzip=gzip)
    return DirectSource(transport, default_version=default_version, namespace=settings.namespace)


def _join(items: list[msgspec.Raw]) -> list[bytes]:
    """Join the items, each opened by ``POD_HEAD`` in place of its brace: one copy of each byte."""
    if not items:
        return []
    bodies = [memoryview(item)[1:] for item in items]
    return [POD_HEAD, (b"," + POD_HEAD).join(bodies)]


def _segment(text: str) -> str:
    return quote(text, safe="")


def _list_path(namespace: str | None) -> str:
    if namespace is None:
        return "/api/v1/pods"
    return f"/api/v1/namespaces/{_segment(namespace)}/pods"


def _parameters(query: PodQuery) -> dict[str, str]:
    parameters = {
        "labelSelector": query.label_selector,
        "fieldSelector": query.field_selector,
        "limit": str(query.limit) if query.limit else "",
        "continue": query.continue_token,
        "resourceVersion": query.resource_version,
        "resourceVersionMatch": query.resource_version_match,
    }
    return {name: value for name, value in parameters.items() if value}


def unreachable(error: Exception) -> SourceError:
    """Return the error for the client if the API server gave no answer."""
    message = f"the API server cannot be reached: {error}"
    return SourceError(HTTPStatus.SERVICE_UNAVAILABLE, message, retry_after_s=RETRY_AFTER_S)


def source_error(response: Response) -> SourceError:
    """Return the error for the client for an answer other than 200.

    An error of the request is forwarded as it is. Any other concerns this server
    (its identity, its API server): 503, with the reason in the message.
    """
    code = response.status
    try:
        status = _decode_status(response.body)
    except msgspec.DecodeError:
        status = _Status()
    message = status.message or f"the API server answered {code}"
    retry_after = _seconds(response.headers.get("Retry-After"))
    if code not in _FORWARDED:
        message = f"the API server did not serve this server's request ({code}): {message}"
        code = HTTPStatus.SERVICE_UNAVAILABLE
    if code in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        retry_after = retry_after or RETRY_AFTER_S
    token = status.metadata.continue_ if status.metadata else ""
    return SourceError(code, message, retry_after_s=retry_after, continue_token=token)


def _seconds(header: str | None) -> int | None:
    return int(header) if header and header.isascii() and header.isdigit() else None
