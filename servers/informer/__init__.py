"""An informer: a local cache of Kubernetes objects fed by list and watch.

A library in its own right, with client-go's guarantees and names. No web server
in it, and nothing of the benchmark.
"""

from servers.informer.backoff import BackoffPolicy
from servers.informer.errors import (
    HandlerError,
    InformerError,
    LifecycleError,
    NotSyncedError,
    SelectorError,
    SyncError,
    TransformError,
    TransportError,
    TransportTimeoutError,
    UndecodableError,
    UnknownIndexError,
)
from servers.informer.factory import SharedInformerFactory
from servers.informer.handlers import (
    HandlerRegistration,
    ResourceEventHandler,
    ResourceEventHandlerFuncs,
)
from servers.informer.informer import SharedInformer
from servers.informer.lister import Indexer, Lister, NamespaceLister
from servers.informer.machine import Timing
from servers.informer.objects import CachedObject, DeletedFinalStateUnknown
from servers.informer.observer import Observer
from servers.informer.reflector import Reflector
from servers.informer.resource import CONFIGMAPS, NAMESPACES, NODES, PODS, SERVICES, Resource
from servers.informer.selectors import parse_field_selector, parse_label_selector
from servers.informer.snapshot import Snapshot
from servers.informer.store import Store
from servers.informer.transform import drop_managed_fields
from servers.informer.transport import Transport
from servers.informer.workqueue import DefaultRateLimiter, ShutDownError, WorkQueue

__all__ = [
    "CONFIGMAPS",
    "NAMESPACES",
    "NODES",
    "PODS",
    "SERVICES",
    "BackoffPolicy",
    "CachedObject",
    "DefaultRateLimiter",
    "DeletedFinalStateUnknown",
    "HandlerError",
    "HandlerRegistration",
    "Indexer",
    "InformerError",
    "LifecycleError",
    "Lister",
    "NamespaceLister",
    "NotSyncedError",
    "Observer",
    "Reflector",
    "Resource",
    "ResourceEventHandler",
    "ResourceEventHandlerFuncs",
    "SelectorError",
    "SharedInformer",
    "SharedInformerFactory",
    "ShutDownError",
    "Snapshot",
    "Store",
    "SyncError",
    "Timing",
    "TransformError",
    "Transport",
    "TransportError",
    "TransportTimeoutError",
    "UndecodableError",
    "UnknownIndexError",
    "WorkQueue",
    "drop_managed_fields",
    "parse_field_selector",
    "parse_label_selector",
]
