"""gunicorn around an application: worker processes, threads, the same settings for every server.

The source is built and started in the worker, after the fork, because threads
and connections do not survive one. A worker that dies is not replaced: another
would answer as if nothing had happened, with counters at zero.
"""

import socket
from collections.abc import Callable
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.errors import HaltServer

from servers.source import PodSource

GRACE_S = 1
"""How long requests under way may take after a SIGTERM, in seconds."""

KEEPALIVE_S = 75
"""How long an idle client connection is kept, in seconds; a pause between trials must fit."""

WORKER_DIED = 5
"""Exit code of a server whose worker ended by itself."""

MakeApp = Callable[[int], tuple[Flask, PodSource]]
"""From the number of a worker, from 1, to what it serves."""


class _Gunicorn(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    def __init__(self, make_app: MakeApp, settings: dict[str, Any]) -> None:
        self._make_app = make_app
        self._settings = settings
        self._workers = settings["workers"]
        self._source: PodSource | None = None
        self._boots = 0
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._settings.items():
            self.cfg.set(name, value)
        self.cfg.set("pre_fork", self._refuse_replacement)
        self.cfg.set("post_worker_init", self._start)
        self.cfg.set("worker_exit", self._close)

    def load(self) -> Flask:
        app, self._source = self._make_app(self._boots)  # as many as were forked so far
        return app

    def _refuse_replacement(self, _server: object, _worker: object) -> None:
        self._boots += 1
        if self._boots > self._workers:
            died = "the worker died" if self._workers == 1 else "a worker died"
            raise HaltServer(f"{died}; a server is not restarted in silence", WORKER_DIED)

    def _start(self, _worker: object) -> None:
        if self._source is not None:
            self._source.start()

    def _close(self, _server: object, _worker: object) -> None:
        if self._source is not None:
            self._source.close()


def listen(host: str, port: int) -> socket.socket:
    """Return a listening TCP socket; port 0 takes a free one. Raise ``OSError`` if taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def serve(make_app: MakeApp, listener: socket.socket, threads: int, workers: int = 1) -> None:
    """Serve until SIGTERM or SIGINT; does not return but exits the process.

    ``make_app`` is called in each worker. The socket becomes gunicorn's own; the workers
    share it, and a connection belongs to the one that took it.
    """
    settings = {
        "bind": f"fd://{listener.detach()}",
        "workers": workers,
        "worker_class": "gthread",
        "threads": threads,
        "preload_app": False,
        "max_requests": 0,
        "timeout": 0,  # a busy worker is not a dead one; the harness watches the process
        "graceful_timeout": GRACE_S,
        "keepalive": KEEPALIVE_S,
        "limit_request_line": 8190,  # gunicorn's most: selectors and tokens can be long
        "accesslog": None,
        "errorlog": "-",
        "loglevel": "warning",
        "control_socket_disable": True,
    }
    _Gunicorn(make_app, settings).run()
