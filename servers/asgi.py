"""Flask in an event loop: the loop owns every connection, a thread makes each answer.

A thread starts once a request is complete and is free once the answer is made; the
loop writes the answer as the client reads. So no client keeps a thread from others,
however slowly it sends or reads. The maintained bridges from ASGI to WSGI keep the
thread until the body is written; this one does not.
"""

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, unquote_to_bytes

from flask import Flask
from prometheus_client import CollectorRegistry
from werkzeug.datastructures import Headers
from werkzeug.test import run_wsgi_app

from servers.app import create_app
from servers.source import PodSource
from servers.worker_group import WorkerGroup

STATUS_THREADS = 2
"""Threads of health, readiness, metrics and events, which never wait for reads of pods."""

Scope = Mapping[str, Any]
Send = Callable[[dict[str, object]], Awaitable[None]]


class AsgiServer:
    """The ASGI application around the Flask application of ``source``.

    ``threads`` is the number of requests served at once. A request that names a version
    or continues a list may wait until the source gets there: as many further threads
    serve those, so that a request for a version that never comes delays no other. With
    a ``group`` readiness and metrics are those of all its workers, except at the
    worker's own address.
    """

    def __init__(
        self,
        source: PodSource,
        registry: CollectorRegistry | None = None,
        threads: int = 8,
        group: WorkerGroup | None = None,
    ) -> None:
        self._app = create_app(source, registry)
        self._group = group
        self._group_app = create_app(source, registry, group)
        self._readers = ThreadPoolExecutor(threads, "read")
        self._waiters = ThreadPoolExecutor(threads, "wait")
        self._status = ThreadPoolExecutor(STATUS_THREADS, "status")
        self._group_status = ThreadPoolExecutor(STATUS_THREADS, "group-status")

    async def __call__(self, scope: Scope, _receive: object, send: Send) -> None:
        """Answer one HTTP request."""
        app, executor = self._choose(scope)
        respond = asyncio.get_running_loop().run_in_executor
        parts, status, headers = await respond(executor, _respond, app, _environ(scope))
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": encoded})
        for part in parts[:-1]:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": parts[-1] if parts else b""})

    def _choose(self, scope: Scope) -> tuple[Flask, ThreadPoolExecutor]:
        """Return the application and the threads that answer the request."""
        alone = self._group is None or self._group.is_own_address(scope["server"])
        app = self._app if alone else self._group_app
        if scope["path"].startswith("/pods"):
            return app, self._waiters if _may_wait(scope) else self._readers
        # Workers ask each other and themselves: these requests must not wait for the same threads.
        return app, self._status if alone else self._group_status


def _respond(app: Flask, environ: dict[str, object]) -> tuple[list[bytes], int, Headers]:
    parts, status, headers = run_wsgi_app(app, environ)
    return list(parts), int(status.partition(" ")[0]), headers


def _may_wait(scope: Scope) -> bool:
    arguments = parse_qs(scope["query_string"].decode("latin-1"))
    return "continue" in arguments or arguments.get("resourceVersion", ["0"])[0] != "0"


def _environ(scope: Scope) -> dict[str, object]:
    """Return the WSGI environment (PEP 3333) of a request: no route takes a body or a header."""
    raw_path: bytes = scope["raw_path"]
    query: str = scope["query_string"].decode("latin-1")
    host, port = scope["server"]
    return {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1"),
        "RAW_URI": raw_path.decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
