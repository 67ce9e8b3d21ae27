"""The parts of a server, and the settings that its source is built from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from prometheus_client import CollectorRegistry

from kube_informer import ClientConfig, Transport
from servers.metrics import upstream_bytes, upstream_requests
from servers.source import PodSource

USER_AGENT = "informer-bench-server"


class Contract(StrEnum):
    """How a server's answers compare with those of the others."""

    BYTES = "bytes"
    """The same bytes."""
    CONTENT = "content"
    """The same JSON, its keys in another order and without null values: models of the official
    client do not distinguish a null from an absent key."""
    METADATA = "metadata"
    """Pods without spec and status: not comparable with the others."""


@dataclass(frozen=True, slots=True)
class Option:
    """A numeric option of a server's command line (``--set name=value``)."""

    name: str
    default: float
    unit: str
    least: float


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a source. ``namespace`` is ``None`` for all namespaces."""

    config: ClientConfig
    namespace: str | None
    threads: int
    options: Mapping[str, float] = field(default_factory=dict)
    replica: int = 1
    """Number of this process among several of the same server, from 1."""
    worker: int = 0
    """Number of this worker, from 1; 0 for a single worker."""

    @property
    def user_agent(self) -> str:
        """The client in the audit log, beside the account, which replicas share."""
        worker = f".{self.worker}" if self.worker else ""
        return f"{USER_AGENT}/{self.replica}{worker}"


@dataclass(frozen=True, slots=True)
class Server:
    """The parts of a server; ``identity`` is its preferred kubeconfig context."""

    identity: str
    summary: str
    build: Callable[[Settings, CollectorRegistry], PodSource]
    contract: Contract = Contract.BYTES
    options: tuple[Option, ...] = ()


def connect(
    settings: Settings, registry: CollectorRegistry, connections: int, *, gzip: bool = False
) -> Transport:
    """Return a transport that counts its requests; raise as ``Transport``."""
    return Transport(
        settings.config,
        pool_maxsize=connections,
        on_request=upstream_requests(registry),
        on_received=upstream_bytes(registry),
        user_agent=settings.user_agent,
        gzip=gzip,
    )
