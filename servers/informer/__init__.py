"""An informer: a local cache of Kubernetes objects fed by list and watch.

A library in its own right, with client-go's guarantees and names. No web server
in it, and nothing of the benchmark.
"""

from servers.informer.backoff import BackoffPolicy
from servers.informer.errors import (
    InformerError,
    LifecycleError,
    NotSyncedError,
    SelectorError,
    TransportError,
    TransportTimeoutError,
    UndecodableError,
    UnknownIndexError,
)
from servers.informer.informer import SharedInformer
from servers.informer.machine import Timing
from servers.informer.objects import CachedObject
from servers.informer.observer import Observer
from servers.informer.resource import CONFIGMAPS, NAMESPACES, NODES, PODS, SERVICES, Resource
from servers.informer.selectors import parse_field_selector, parse_label_selector
from servers.informer.snapshot import Snapshot
from servers.informer.transport import Transport

__all__ = [
    "CONFIGMAPS",
    "NAMESPACES",
    "NODES",
    "PODS",
    "SERVICES",
    "BackoffPolicy",
    "CachedObject",
    "InformerError",
    "LifecycleError",
    "NotSyncedError",
    "Observer",
    "Resource",
    "SelectorError",
    "SharedInformer",
    "Snapshot",
    "Timing",
    "Transport",
    "TransportError",
    "TransportTimeoutError",
    "UndecodableError",
    "UnknownIndexError",
    "parse_field_selector",
    "parse_label_selector",
]
