"""The routes, the same for every server.

Servers differ only in their ``PodSource``: paths, checks, body, headers and the form
of errors are defined here.
"""

import logging
from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from flask import Flask, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from werkzeug.exceptions import HTTPException

from kube_informer.redaction import redact
from servers.query import event_version, get_resource_version, path_segments, pod_query
from servers.source import PodSource, SourceError, quoted
from servers.worker_group import WorkerGroup

JSON = "application/json"
_OPEN = b'{"code":200,"message":"pong","result":'

WRITE_BYTES = 64 << 10
"""Smaller parts are joined before they are written: each part costs a system call and its own
packet. Larger parts are written as they are, since copying them would cost more."""

METHODS = ("GET", "HEAD")

_log = logging.getLogger(__name__)


def create_app(
    source: PodSource,
    registry: CollectorRegistry | None = None,
    group: WorkerGroup | None = None,
) -> Flask:
    """Return the application over ``source``; ``/metrics`` shows ``registry``.

    With a ``group`` readiness and metrics are those of all its workers.
    """
    app = Flask("servers", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False  # a redirect is not the answer to an empty segment

    @app.before_request
    def check_path() -> None:
        # The decoded path does not distinguish a%2Fb from a/b; the path as sent does.
        path_segments(request.environ.get("RAW_URI", request.path).partition("?")[0])

    @app.get("/pods")
    def list_all() -> Response:
        return list_pods(None)

    @app.get("/pods/<namespace>")
    def list_namespace(namespace: str) -> Response:
        return list_pods(namespace)

    def list_pods(namespace: str | None) -> Response:
        page = source.list_pods(pod_query(namespace, request.args.to_dict()))
        ending = b"]}"
        if page.continue_token:
            ending = b'],"continue":' + msgspec.json.encode(page.continue_token) + b"}"
        return _pods([_OPEN + b"[", *page.parts, ending], page.resource_version)

    @app.get("/pods/<namespace>/<name>")
    def get_pod(namespace: str, name: str) -> Response:
        pod = source.get_pod(namespace, name, get_resource_version(request.args.to_dict()))
        return _pods([_OPEN, *pod.parts, b"}"], pod.resource_version)

    _add_status_routes(app, source, registry or CollectorRegistry(), group)
    _add_error_handlers(app)
    return app


def error_body(error: SourceError) -> bytes:
    """Return the body for ``error``, in the shape of every error."""
    # Redact at the boundary: a message may quote a lower layer, with unknown content.
    body: dict[str, object] = {"code": error.code, "message": redact(error.message), "result": None}
    if error.continue_token:
        body["continue"] = error.continue_token
    return msgspec.json.encode(body)


def _add_status_routes(
    app: Flask, source: PodSource, registry: CollectorRegistry, group: WorkerGroup | None
) -> None:
    @app.get("/healthz")
    def healthz() -> Response:
        return _plain("alive")

    @app.get("/readyz")
    def readyz() -> Response:
        (group or source).check_ready()
        return _plain("ready")

    @app.get("/metrics")
    def metrics() -> Response:
        text = group.metrics() if group else generate_latest(registry)
        return Response(text, content_type=CONTENT_TYPE_LATEST)

    @app.get("/events")
    def events() -> Response:
        return _result(source.event_times(event_version(request.args.to_dict())))

    @app.get("/workers")
    def workers() -> Response:
        return _result(group.addresses if group else [])


def _add_error_handlers(app: Flask) -> None:
    @app.errorhandler(SourceError)
    def refused(error: SourceError) -> Response:
        response = Response(error_body(error), error.code, content_type=JSON)
        if error.retry_after_s is not None:
            response.headers["Retry-After"] = str(error.retry_after_s)
        return response

    @app.errorhandler(HTTPException)
    def unrouted(error: HTTPException) -> Response:
        code = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
        message = error.description or error.name
        if code == HTTPStatus.NOT_FOUND:
            message = (
                f"{quoted(request.path)} is not served; /pods, /pods/<namespace> and "
                "/pods/<namespace>/<name> are, and /healthz, /readyz, /metrics, /events "
                "and /workers"
            )
        elif code == HTTPStatus.METHOD_NOT_ALLOWED:
            message = f"{request.method} is not allowed: this server only reads (GET, HEAD)"
        response = refused(SourceError(code, message))
        if code == HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["Allow"] = ", ".join(METHODS)
        return response

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        # The last resort: the trace goes to the log, the client gets an internal error.
        _log.error("%s %s failed", request.method, request.path, exc_info=error)
        reason = "internal error; the server's log has the trace"
        return refused(SourceError(HTTPStatus.INTERNAL_SERVER_ERROR, reason))


def _pods(parts: Sequence[bytes], resource_version: str) -> Response:
    """Return an answer of ``parts``, which are written one after the other, without a copy."""
    headers = {
        "Content-Length": str(sum(map(len, parts))),
        "X-Resource-Version": resource_version,
    }
    return Response(_join_small(parts), headers=headers, content_type=JSON, direct_passthrough=True)


def _plain(message: str) -> Response:
    body = msgspec.json.encode({"code": HTTPStatus.OK, "message": message})
    return Response(body, content_type=JSON)


def _result(value: object) -> Response:
    return Response(_OPEN + msgspec.json.encode(value) + b"}", content_type=JSON)


def _join_small(parts: Sequence[bytes]) -> list[bytes]:
    """Return the same bytes in fewer parts, without copying the large ones."""
    joined: list[bytes] = []
    small: list[bytes] = []
    size = 0
    for part in parts:
        if len(part) >= WRITE_BYTES or size >= WRITE_BYTES:
            if small:
                joined.append(b"".join(small))
            small, size = [], 0
        if len(part) >= WRITE_BYTES:
            joined.append(part)
        else:
            small.append(part)
            size += len(part)
    if small:
        joined.append(b"".join(small))
    return joined
