"""Clients of the contract: raw HTTP paths for a server, the API server as reference."""

import http.client
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from bench.cluster.api import Api
from bench.sut.json_diff import without_nulls
from bench.sut.peers import PEERS
from servers.registry import SERVERS
from servers.server import Contract

SAME_BYTES = [name for name, server in SERVERS.items() if server.contract is Contract.BYTES]
SAME_BYTES += PEERS
"""The servers that promise the same bytes as each other."""

T = TypeVar("T")

NAMESPACE = "contract"
NEIGHBOUR = "contract-b"
"""Before ``contract`` in the order of keys and after it in the order of names."""
EMPTY = "contract-empty"


@dataclass(frozen=True)
class Answer:
    """An answer; the properties decode it."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def pods(self) -> list[Any]:
        assert self.status == 200, self.body
        return self.body["result"]

    @property
    def content(self) -> Any:
        """The body without keys whose value is null: to Kubernetes they are absent."""
        return without_nulls(self.body)

    @property
    def names(self) -> list[str]:
        return [f"{p['metadata']['namespace']}/{p['metadata']['name']}" for p in self.pods]

    @property
    def version(self) -> str:
        return self.headers["X-Resource-Version"]


class Client:
    """Asks one server; sends a path unchanged."""

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.address = urlsplit(url).netloc

    def ask(self, path: str, method: str = "GET", **parameters: str) -> Answer:
        target = f"{path}?{urlencode(parameters)}" if parameters else path
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            connection.request(method, target)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def pages(self, path: str, limit: int, **parameters: str) -> list[Answer]:
        answers = [self.ask(path, limit=str(limit), **parameters)]
        while token := answers[-1].body.get("continue"):
            parameters = {k: v for k, v in parameters.items() if not k.startswith("resource")}
            following = {"limit": str(limit), "continue": token, **parameters}
            answers.append(self.ask(path, **following))
        return answers

    def wait_for(self, path: str, accept: Callable[[Answer], bool], **parameters: str) -> Answer:
        """Repeat the request until ``accept`` takes the answer; fail after 20 s."""
        deadline = time.monotonic() + 20
        while not accept(answer := self.ask(path, **parameters)):
            assert time.monotonic() < deadline, f"{self.name} {path} stays {answer.raw[:200]!r}"
            time.sleep(0.05)
        return answer

    def counted(self, metric: str) -> float:
        """Return the sum of a metric over its labels."""
        lines = self.ask("/metrics").raw.decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric))


def by_name(servers: Iterable[Client], look: Callable[[Client], T]) -> dict[str, T]:
    """Return the result of ``look`` for each server."""
    return {server.name: look(server) for server in servers}


@dataclass(frozen=True)
class Reference:
    """The API server itself, read as the servers read it."""

    api: Api

    def pods(self, namespace: str | None = None, **parameters: str) -> list[Any]:
        path = "/api/v1/pods" if namespace is None else f"/api/v1/namespaces/{namespace}/pods"
        return self.api.get(f"{path}?{urlencode(parameters)}")["items"]

    def names(self, namespace: str | None = None, **parameters: str) -> list[str]:
        return [
            f"{p['metadata']['namespace']}/{p['metadata']['name']}"
            for p in self.pods(namespace, **parameters)
        ]
