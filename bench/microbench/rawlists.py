"""LISTs of all pods from the API server itself: the bound on what ``direct`` can reach."""

import http.client
import threading
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from kube_informer import ClientConfig

READ_BYTES = 1 << 20


def raw_lists_per_s(config: ClientConfig, connections: int, seconds: float) -> float:
    """LISTs of all pods a second from the API server itself, bodies read and thrown away.

    ``connections`` threads, each with a TLS connection of its own that it keeps.
    """
    address = urlsplit(config.server)
    tls = config.tls()
    headers = dict(config.credentials.headers({"Accept": "application/json"}))
    gate = threading.Barrier(connections + 1)
    counts = [0] * connections
    deadline = 0.0

    def read(number: int) -> None:
        connection = http.client.HTTPSConnection(address.netloc, timeout=60, context=tls)
        buffer = memoryview(bytearray(READ_BYTES))
        try:
            _list_once(connection, headers, buffer)
            gate.wait()
            gate.wait()
            while time.monotonic() < deadline:
                _list_once(connection, headers, buffer)
                counts[number] += 1
        finally:
            connection.close()

    threads = [threading.Thread(target=read, args=(n,), daemon=True) for n in range(connections)]
    for thread in threads:
        thread.start()
    gate.wait(timeout=60)  # every connection has been used once
    began = time.monotonic()
    deadline = began + seconds
    gate.wait(timeout=60)
    for thread in threads:
        thread.join()
    return sum(counts) / (time.monotonic() - began)


def _list_once(
    connection: http.client.HTTPSConnection, headers: Mapping[str, str], buffer: memoryview
) -> None:
    connection.request("GET", "/api/v1/pods", headers=headers)
    response = connection.getresponse()
    if response.status != http.client.OK:
        raise SystemExit(f"the API server answered {response.status} to a LIST of pods")
    while response.readinto(buffer):
        pass
