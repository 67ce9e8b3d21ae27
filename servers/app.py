"""The routes, defined here and nowhere else, for every server alike.

A server differs from another in its ``PodSource`` and in nothing else: paths,
checks, body, headers and the form of errors are made here.
"""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from flask import Flask, Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from werkzeug.exceptions import HTTPException

from kube_informer.redaction import redact
from servers.crew import Crew
from servers.query import get_resource_version, path_segments, pod_query
from servers.source import PodSource, SourceError, quoted

_OPEN = b'{"code":200,"message":"pong","result":'

WRITE_BYTES = 64 << 10
"""Parts smaller than this are joined before they are written: each part costs a system call,
and a packet of its own. Larger ones go out as they are, since copying them would cost more."""


def create_app(
    source: PodSource, registry: CollectorRegistry | None = None, crew: Crew | None = None
) -> Flask:
    """Return the WSGI application over ``source``; ``/metrics`` shows ``registry``.

    With a ``crew`` readiness and metrics are those of all its workers.
    """
    app = Flask("servers", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False  # a redirect is not the answer to an empty segment

    @app.before_request
    def check_path() -> None:
        # The decoded path cannot tell a%2Fb from a/b; the one that was sent can.
        raw = request.environ.get("RAW_URI") or request.path
        path_segments(_path_of(raw))

    @app.get("/pods")
    def list_all() -> Response:
        return list_pods(None)

    @app.get("/pods/<namespace>")
    def list_namespace(namespace: str) -> Response:
        return list_pods(namespace)

    def list_pods(namespace: str | None) -> Response:
        page = source.list_pods(pod_query(namespace, request.args.to_dict()))
        close = b"]}"
        if page.continue_token:
            close = b'],"continue":' + msgspec.json.encode(page.continue_token) + b"}"
        return _send([_OPEN + b"[", *page.parts, close], page.resource_version)

    @app.get("/pods/<namespace>/<name>")
    def get_pod(namespace: str, name: str) -> Response:
        pod = source.get_pod(namespace, name, get_resource_version(request.args.to_dict()))
        return _send([_OPEN, *pod.parts, b"}"], pod.resource_version)

    _tell_of_itself(app, source, registry or CollectorRegistry(), crew)
    _answer_errors(app)
    return app


def _tell_of_itself(
    app: Flask, source: PodSource, metrics: CollectorRegistry, crew: Crew | None
) -> None:
    @app.get("/healthz")
    def healthz() -> Response:
        return _plain(HTTPStatus.OK, "alive")

    @app.get("/readyz")
    def readyz() -> Response:
        (crew or source).check_ready()
        return _plain(HTTPStatus.OK, "ready")

    @app.get("/events")
    def show_event_times() -> Response:
        times = source.event_times(request.args.get("since", 0, type=int))
        body = _OPEN + msgspec.json.encode(times) + b"}"
        return Response(body, content_type="application/json")

    @app.get("/metrics")
    def show_metrics() -> Response:
        shown = crew.metrics() if crew else generate_latest(metrics)
        return Response(shown, content_type=CONTENT_TYPE_LATEST)

    @app.get("/workers")
    def show_workers() -> Response:
        addresses = crew.addresses if crew else []
        body = _OPEN + msgspec.json.encode(addresses) + b"}"
        return Response(body, content_type="application/json")


def _path_of(raw_uri: str) -> str:
    """Return the path of a request target, which may be a whole URL."""
    path = raw_uri.partition("?")[0].partition("#")[0]
    if not path.startswith("/"):
        path = "/" + path.partition("://")[2].partition("/")[2]
    return path


def _send(parts: Sequence[bytes], resource_version: str) -> Response:
    """Answer with ``parts``, which the WSGI server writes one after the other."""
    headers = {
        "Content-Length": str(sum(map(len, parts))),
        "X-Resource-Version": resource_version,
    }
    return Response(
        _join_small(parts),
        headers=headers,
        content_type="application/json",
        direct_passthrough=True,
    )


def _join_small(parts: Sequence[bytes]) -> list[bytes]:
    """Return the same bytes in fewer parts, none of the large ones copied."""
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


def _plain(code: int, message: str) -> Response:
    body = msgspec.json.encode({"code": code, "message": message})
    return Response(body, status=code, content_type="application/json")


def _error(error: SourceError) -> Response:
    # The boundary: a message may quote a lower layer, and what that quotes is not known.
    body: dict[str, object] = {"code": error.code, "message": redact(error.message), "result": None}
    if error.continue_token:
        body["continue"] = error.continue_token
    response = Response(
        msgspec.json.encode(body), status=error.code, content_type="application/json"
    )
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(SourceError)
    def refused(error: SourceError) -> Response:
        return _error(error)

    @app.errorhandler(HTTPException)
    def unrouted(error: HTTPException) -> Response:
        code = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
        if code == HTTPStatus.NOT_FOUND:
            message = f"{quoted(request.path)} is not served; /pods, /pods/<namespace> and "
            message += "/pods/<namespace>/<name> are, and /healthz, /readyz, /metrics, /events "
            message += "and /workers"
        elif code == HTTPStatus.METHOD_NOT_ALLOWED:
            message = f"{request.method} is not allowed: this server only reads (GET, HEAD)"
        else:
            message = error.description or error.name
        response = _error(SourceError(code, message))
        if code == HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["Allow"] = "GET, HEAD"
        return response

    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        # The last resort: the trace goes to the log, the client learns that it is our fault.
        app.logger.error("%s %s failed", request.method, request.path, exc_info=error)
        return _error(SourceError(500, "internal error; the server's log has the trace"))
