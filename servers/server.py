"""What a server is made of, and what its source is built from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from prometheus_client import CollectorRegistry

from kube_informer import ClientConfig, Transport
from servers.metrics import upstream_bytes, upstream_requests
from servers.source import PodSource

USER_AGENT = "informer-bench-server"


class Contract(StrEnum):
    """How much of another server's answer this one's is."""

    BYTES = "bytes"
    """The same bytes."""
    CONTENT = "content"
    """The same JSON, its keys in another order and without those whose value is null: models of
    the official client do not tell a null from a key that is not there."""
    METADATA = "metadata"
    """Pods without spec and status: not to be compared with the others."""


@dataclass(frozen=True, slots=True)
class Option:
    """A number that a server can be told on its command line (``--set name=value``)."""

    name: str
    default: float
    unit: str
    least: float


@dataclass(frozen=True, slots=True)
class Settings:
    """What a source is built from. ``namespace`` is ``None`` for all namespaces."""

    config: ClientConfig
    namespace: str | None
    threads: int
    options: Mapping[str, float] = field(default_factory=dict)
    replica: int = 1
    """Which of several servers that serve the same this is, from 1."""
    worker: int = 0
    """Which of several workers of it, from 1; 0 for one that is alone."""

    @property
    def user_agent(self) -> str:
        """Whom the audit log shows as the client, beside the account, which replicas share."""
        worker = f".{self.worker}" if self.worker else ""
        return f"{USER_AGENT}/{self.replica}{worker}"


@dataclass(frozen=True, slots=True)
class Server:
    """A server by its parts; ``identity`` is the kubeconfig context it prefers."""

    identity: str
    summary: str
    build: Callable[[Settings, CollectorRegistry], PodSource]
    contract: Contract = Contract.BYTES
    options: tuple[Option, ...] = ()


def connect(
    settings: Settings, registry: CollectorRegistry, connections: int, *, gzip: bool = False
) -> Transport:
    """Return a transport whose requests are counted; raises as ``Transport``."""
    return Transport(
        settings.config,
        pool_maxsize=connections,
        on_request=upstream_requests(registry),
        on_received=upstream_bytes(registry),
        user_agent=settings.user_agent,
        gzip=gzip,
    )
