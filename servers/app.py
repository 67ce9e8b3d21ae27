"""The routes, defined here and nowhere else, for every server alike.

A server differs from another in its ``PodSource`` and in nothing else: paths,
checks, body, headers and the form of errors are made here. The event loop owns
every connection: a source is called in a thread once a request is complete, the
thread is free when the answer is made, and the loop writes it as the client reads.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from kube_informer.redaction import redact
from servers.query import event_version, get_resource_version, path_segments, pod_query
from servers.source import PodSource, SourceError, quoted
from servers.worker_group import WorkerGroup

_OPEN = b'{"code":200,"message":"pong","result":'

WRITE_BYTES = 64 << 10
"""Parts smaller than this are joined before they are written: each part costs a system call,
and a packet of its own. Larger ones go out as they are, since copying them would cost more."""

STATUS_THREADS = 2
"""Threads of readiness, metrics and events, which wait behind no read of pods."""

METHODS = ("GET", "HEAD")

_log = logging.getLogger(__name__)

Scope = Mapping[str, Any]
Send = Callable[[dict[str, object]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; its parts are written one after the other, without a copy."""

    parts: Sequence[bytes]
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return sum(map(len, self.parts))


def error_answer(error: SourceError) -> Answer:
    """Return the response for ``error``, in the shape that every error has."""
    # The boundary: a message may quote a lower layer, and what that quotes is not known.
    body: dict[str, object] = {"code": error.code, "message": redact(error.message), "result": None}
    if error.continue_token:
        body["continue"] = error.continue_token
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    if error.code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(METHODS)
    return Answer([msgspec.json.encode(body)], error.code, headers)


class App:
    """The ASGI application over ``source``; ``/metrics`` shows ``registry``.

    ``threads`` is how many requests are read at once. One that names a version or
    continues a list may wait until the source gets there: as many further threads
    serve those, so that asking for what never comes keeps nobody else waiting. With
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
        self._source = source
        self._registry = registry or CollectorRegistry()
        self._group = group
        self._readers = ThreadPoolExecutor(threads, "read")
        self._waiters = ThreadPoolExecutor(threads, "wait")
        self._status = ThreadPoolExecutor(STATUS_THREADS, "status")
        self._group_status = ThreadPoolExecutor(STATUS_THREADS, "group-status")

    async def __call__(self, scope: Scope, _receive: object, send: Send) -> None:
        """Answer one HTTP request."""
        answer = await self._answer(scope)
        headers = {
            "Content-Type": answer.content_type,
            "Content-Length": str(answer.length),
            **answer.headers,
        }
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
        for part in answer.parts[:-1]:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": answer.parts[-1]})

    async def _answer(self, scope: Scope) -> Answer:
        try:
            executor, respond = self._route(scope)
            if executor is None:
                return respond()
            return await asyncio.get_running_loop().run_in_executor(executor, respond)
        except SourceError as error:
            return error_answer(error)
        except Exception:  # noqa: BLE001 - the last resort: the trace is logged, the fault is ours
            _log.exception("%s %s failed", scope["method"], scope["path"])
            reason = "internal error; the server's log has the trace"
            return error_answer(SourceError(HTTPStatus.INTERNAL_SERVER_ERROR, reason))

    def _route(self, scope: Scope) -> tuple[Executor | None, Callable[[], Answer]]:
        """Return what makes the answer, and the threads for it (``None``: it takes no time)."""
        # The decoded path cannot tell a%2Fb from a/b; the one that was sent can.
        segments = path_segments(scope["raw_path"].decode())
        pairs = parse_qsl(scope["query_string"].decode(errors="replace"), keep_blank_values=True)
        arguments = dict(reversed(pairs))  # of repeated parameters the first counts
        readers = self._waiters if _may_wait(arguments) else self._readers
        executor: Executor | None
        respond: Callable[[], Answer]
        match segments:
            case ["pods"]:
                executor, respond = readers, partial(self._list_pods, None, arguments)
            case ["pods", namespace]:
                executor, respond = readers, partial(self._list_pods, namespace, arguments)
            case ["pods", namespace, name]:
                executor, respond = readers, partial(self._get_pod, namespace, name, arguments)
            case [name]:
                executor, respond = self._status_route(name, arguments, scope)
            case _:
                raise _not_served(scope)
        if scope["method"] not in METHODS:
            refusal = f"{scope['method']} is not allowed: this server only reads (GET, HEAD)"
            raise SourceError(HTTPStatus.METHOD_NOT_ALLOWED, refusal)
        return executor, respond

    def _status_route(
        self, name: str, arguments: Mapping[str, str], scope: Scope
    ) -> tuple[Executor | None, Callable[[], Answer]]:
        group = self._group
        if group is not None and group.is_own_address(scope["server"]):
            group = None
        # Workers ask each other, and themselves: who asks must not wait for the same threads.
        executor = self._status if group is None else self._group_status
        match name:
            case "healthz":
                return None, lambda: _plain("alive")
            case "readyz":
                return executor, lambda: self._check_ready(group)
            case "metrics":
                return executor, lambda: self._show_metrics(group)
            case "events":
                since = event_version(arguments)
                return self._status, lambda: _result(self._source.event_times(since))
            case "workers":
                return None, lambda: _result(group.addresses if group else [])
        raise _not_served(scope)

    def _list_pods(self, namespace: str | None, arguments: Mapping[str, str]) -> Answer:
        page = self._source.list_pods(pod_query(namespace, arguments))
        close = b"]}"
        if page.continue_token:
            close = b'],"continue":' + msgspec.json.encode(page.continue_token) + b"}"
        parts = _join_small([_OPEN + b"[", *page.parts, close])
        return Answer(parts, headers={"X-Resource-Version": page.resource_version})

    def _get_pod(self, namespace: str, name: str, arguments: Mapping[str, str]) -> Answer:
        pod = self._source.get_pod(namespace, name, get_resource_version(arguments))
        parts = _join_small([_OPEN, *pod.parts, b"}"])
        return Answer(parts, headers={"X-Resource-Version": pod.resource_version})

    def _check_ready(self, group: WorkerGroup | None) -> Answer:
        (group or self._source).check_ready()
        return _plain("ready")

    def _show_metrics(self, group: WorkerGroup | None) -> Answer:
        text = group.metrics() if group else generate_latest(self._registry)
        return Answer([text], content_type=CONTENT_TYPE_LATEST)


def _may_wait(arguments: Mapping[str, str]) -> bool:
    return bool(arguments.get("continue")) or arguments.get("resourceVersion", "") not in ("", "0")


def _not_served(scope: Scope) -> SourceError:
    return SourceError(
        HTTPStatus.NOT_FOUND,
        f"{quoted(scope['path'])} is not served; /pods, /pods/<namespace> and "
        "/pods/<namespace>/<name> are, and /healthz, /readyz, /metrics, /events and /workers",
    )


def _plain(message: str) -> Answer:
    return Answer([msgspec.json.encode({"code": HTTPStatus.OK, "message": message})])


def _result(value: object) -> Answer:
    return Answer([_OPEN + msgspec.json.encode(value) + b"}"])


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
