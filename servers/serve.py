"""Worker processes around an application, the same for every server.

Each worker is a fork that runs uvicorn; it builds and starts the source itself,
because threads and connections do not survive a fork. A worker that dies is not
replaced: a new one would answer as if nothing had happened, with counters at zero.

Workers ignore signals. They end when a pipe closes that only the parent holds open:
so they outlive neither a parent that is killed nor a sibling.
"""

import asyncio
import contextlib
import os
import resource
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import uvicorn
import uvloop

from servers.client_connection import ClientConnection
from servers.source import PodSource

GRACE_S = 1
"""Seconds that requests under way may take after a SIGTERM."""

KILL_S = 5.0
"""Seconds that a worker may take to end before it is killed."""

WORKER_DIED = 5
"""Exit code of a server whose worker ended by itself."""

MakeApp = Callable[[int], tuple[Any, PodSource, list[socket.socket]]]
"""Takes the number of a worker, from 1; returns its ASGI application, its source, and the
sockets that it serves beside the shared one."""

_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}


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


def serve(make_app: MakeApp, listener: socket.socket, workers: int = 1) -> int:
    """Serve until SIGTERM or SIGINT, or until a worker dies; return the exit code.

    ``make_app`` is called in each worker. The workers share the socket, and a
    connection belongs to the worker that accepted it.
    """
    _raise_open_files()
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # sigwait below takes those that come early
    parent_alive, parent = os.pipe()
    pids = set()
    for worker in range(1, workers + 1):
        pid = os.fork()
        if pid == 0:
            os.close(parent)
            _run_worker(make_app, worker, listener, parent_alive)
        pids.add(pid)
    listener.close()
    code = 0
    while signal.sigwait(_SIGNALS) == signal.SIGCHLD:
        if dead := _reap(pids):
            pids -= dead
            text = "the worker died" if workers == 1 else "a worker died"
            print(f"{text}; workers are not restarted", file=sys.stderr, flush=True)
            code = WORKER_DIED
            break
    os.close(parent)
    _wait(pids)
    return code


def _reap(pids: set[int]) -> set[int]:
    """Return the ended processes among ``pids``."""
    return {pid for pid in pids if os.waitpid(pid, os.WNOHANG)[0]}


def _wait(pids: set[int]) -> None:
    deadline = time.monotonic() + KILL_S
    while pids := pids - _reap(pids):
        if signal.sigtimedwait({signal.SIGCHLD}, max(deadline - time.monotonic(), 0.01)) is None:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)


def _raise_open_files() -> None:
    """Raise the limit of open files to this account's: each connection takes a descriptor."""
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))


def _run_worker(
    make_app: MakeApp, worker: int, listener: socket.socket, parent_alive: int
) -> NoReturn:
    """Serve in this process, a fork, and exit it."""
    code = 1
    try:
        for number in _SIGNALS - {signal.SIGCHLD}:
            signal.signal(number, lambda *_: None)  # a handler, which child programs do not inherit
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        app, source, sockets = make_app(worker)
        source.start()
        uvloop.run(_Worker(app, parent_alive).serve(sockets=[listener, *sockets]))
        source.close()
        code = 0
    except BaseException:  # noqa: BLE001 - reported here, since no caller may run in a fork
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # without waiting for threads whose API server does not answer


class _Worker(uvicorn.Server):
    """A server that runs until its parent is gone."""

    def __init__(self, app: Any, parent_alive: int) -> None:  # noqa: ANN401 - an ASGI application, whose types uvicorn keeps private
        settings = uvicorn.Config(
            app,
            interface="asgi3",
            loop="none",
            http=ClientConnection,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # the application answers and logs failures
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        super().__init__(settings)
        self._parent_alive = parent_alive

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and watch the parent."""
        await super().startup(sockets)
        asyncio.get_running_loop().add_reader(self._parent_alive, self._stop)

    def _stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._parent_alive)
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the parent."""
        yield
