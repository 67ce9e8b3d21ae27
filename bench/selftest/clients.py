"""Clients whose requests are known beforehand: ``python -m bench.selftest.clients KIND [NUMBER]``.

They read with the access of ``KUBECONFIG``, as any client does, until they are stopped.
"""

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import count

from urllib3.exceptions import HTTPError

from bench.cluster.api import Api, ApiError, ApiUnreachableError
from kube_informer import PODS, ClientConfig, SharedInformer, Transport

LIST = "/api/v1/pods"


def every(seconds: float, ask: Callable[[], object]) -> None:
    """Call ``ask`` at once and then every ``seconds``, however long it takes."""
    began = time.monotonic()
    for number in count(1):
        ask()
        time.sleep(max(0.0, began + number * seconds - time.monotonic()))


def list_every(seconds: float, path: str) -> None:
    """List ``path`` every ``seconds``."""
    api = _api()
    every(seconds, lambda: api.request("GET", path))


def relist_every(seconds: float, path: str) -> None:
    """List, watch from there for a second, and begin again: a broken informer."""
    api = _api()

    def once() -> None:
        version = api.get(path)["metadata"]["resourceVersion"]
        api.get_bytes(f"{path}?watch=1&resourceVersion={version}&timeoutSeconds=1")

    every(seconds, once)


def informers(number: float, path: str) -> None:
    """Keep ``number`` copies of all pods up to date."""
    del path
    with ExitStack() as stack:
        for _ in range(int(number)):
            transport = Transport.from_kubeconfig(os.environ["KUBECONFIG"])
            informer = SharedInformer(transport, PODS, stream_initial=True)  # one request
            informer.start()
            stack.callback(informer.stop)
        while True:
            time.sleep(60)


def watches(number: float, path: str) -> None:
    """Hold ``number`` watches, each on its own connection, and discard their events.

    A watch that ends begins again a second later, from the newest version.
    """
    config, api = ClientConfig.load(os.environ["KUBECONFIG"], os.environ["CONTEXT"]), _api()
    pools = config.pools(maxsize=int(number), block=True)

    def newest() -> str:
        version: str = api.get(f"{path}?limit=1")["metadata"]["resourceVersion"]
        return version

    def hold(version: str) -> None:
        url = f"{config.server}{path}?watch=1&resourceVersion={version}&timeoutSeconds=3600"
        headers = config.credentials.headers({"Accept": "application/json"})
        answer = pools.request("GET", url, headers=headers, preload_content=False, timeout=None)
        for _ in answer.stream(1 << 16):
            pass

    def keep(version: str) -> None:
        while True:
            with suppress(HTTPError):
                hold(version)
            time.sleep(1)
            with suppress(ApiError, ApiUnreachableError):
                version = newest()

    with ThreadPoolExecutor(int(number)) as holding:
        first = newest()
        for _ in range(int(number)):
            holding.submit(keep, first)


KINDS = {
    "list": list_every,
    "relist": relist_every,
    "informers": informers,
    "watches": watches,
}


def _api() -> Api:
    return Api(ClientConfig.load(os.environ["KUBECONFIG"], os.environ["CONTEXT"]))


def main() -> None:
    """Run the client that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m bench.selftest.clients", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("number", type=float, help="seconds between two, or number of them")
    parser.add_argument("path", nargs="?", default=LIST, help="path to read (%(default)s)")
    arguments = parser.parse_args()
    KINDS[arguments.kind](arguments.number, arguments.path)


if __name__ == "__main__":
    main()
