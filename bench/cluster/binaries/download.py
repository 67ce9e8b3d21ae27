"""Plain downloads that give up soon when there is no way through."""

import queue
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from bench.cluster.binaries.model import PassedOver

CONNECT_TIMEOUT_S = 5.0
"""For name and connection; a firewall that drops packets costs this long and no longer."""
_STALL_TIMEOUT_S = 20.0
_BLOCK_BYTES = 1 << 18
_SAY_EVERY_S = 5.0
_MB = 1e6


def read(url: str, limit_bytes: int) -> bytes:
    """Return what is at ``url``; raise ``PassedOver`` if it cannot be had or is larger."""
    with _open(url) as response:
        try:
            body = response.read(limit_bytes + 1)
        except (OSError, HTTPException) as error:
            raise PassedOver(f"{_host(url)} broke off: {error}") from error
    if len(body) > limit_bytes:
        raise PassedOver(f"{url} is larger than {limit_bytes} bytes")
    return body


def save(url: str, path: Path, say: Callable[[str], None]) -> None:
    """Write what is at ``url`` to ``path``; raise ``PassedOver`` if it does not arrive whole."""
    with _open(url) as response, path.open("wb") as file:
        total = response.length
        done = 0
        began = said = time.monotonic()
        try:
            while block := response.read(_BLOCK_BYTES):
                done += file.write(block)
                if time.monotonic() - said >= _SAY_EVERY_S:
                    said = time.monotonic()
                    of_total = "" if total is None else f" of {total / _MB:.0f}"
                    say(f"downloaded {done / _MB:.0f}{of_total} MB in {said - began:.0f} s")
        except (OSError, HTTPException) as error:
            raise PassedOver(f"{_host(url)} broke off after {done} bytes: {error}") from error
    if total is not None and done < total:
        raise PassedOver(f"{_host(url)} broke off after {done} of {total} bytes")


def _open(url: str) -> HTTPResponse:
    """Open ``url``, through the proxies that the environment names, following redirects."""
    _probe(url)
    try:
        return cast("HTTPResponse", urllib.request.urlopen(url, timeout=_STALL_TIMEOUT_S))
    except urllib.error.HTTPError as error:
        with error:
            raise PassedOver(f"{_host(url)} answers {error.code} {error.reason}") from error
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise PassedOver(f"{_host(url)} cannot be reached: {reason}") from error


def _probe(url: str) -> None:
    """Find out whether there is a way to ``url``, or to its proxy, within the time-out.

    A host has many addresses and each would be tried for the whole time-out, and
    looking up a name has no time-out at all: hence a thread, which is left behind.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise PassedOver(f"{url} is not an address of the web")
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.netloc):
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    address = (parts.hostname, parts.port or {"https": 443}.get(parts.scheme, 80))
    outcome: queue.SimpleQueue[OSError | None] = queue.SimpleQueue()

    def connect() -> None:
        try:
            socket.create_connection(address, CONNECT_TIMEOUT_S / 2).close()
            outcome.put(None)
        except OSError as error:
            outcome.put(error)

    threading.Thread(target=connect, daemon=True).start()
    try:
        problem = outcome.get(timeout=CONNECT_TIMEOUT_S)
    except queue.Empty:
        raise PassedOver(f"no answer from {parts.netloc} in {CONNECT_TIMEOUT_S:g} s") from None
    if problem is not None:
        raise PassedOver(f"{parts.netloc} cannot be reached: {problem}")


def _host(url: str) -> str:
    return urlsplit(url).netloc
