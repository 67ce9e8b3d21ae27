"""An informer: a local cache of Kubernetes objects fed by list and watch.

An independent library with client-go's guarantees and names. It contains no web
server and nothing of the benchmark.
"""

from kube_informer.backoff import BackoffPolicy
from kube_informer.client_config import ClientConfig
from kube_informer.controller import run_controller
from kube_informer.credentials import Credentials, Impersonation, TokenFile, TokenSource
from kube_informer.errors import (
    CredentialsError,
    HandlerError,
    InformerError,
    KubeconfigError,
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
from kube_informer.exec_plugin import ClientCertificate
from kube_informer.factory import SharedInformerFactory
from kube_informer.field_selector import (
    FieldSelector,
    FieldTerm,
    SelectableFields,
    parse_field_selector,
    selectable_fields,
)
from kube_informer.handlers import (
    HandlerRegistration,
    ResourceEventHandler,
    ResourceEventHandlerFuncs,
    on_any,
)
from kube_informer.health import Health
from kube_informer.informer import SharedInformer
from kube_informer.label_selector import (
    LabelSelector,
    Operator,
    Requirement,
    parse_label_selector,
)
from kube_informer.lister import Indexer, Lister, NamespaceLister
from kube_informer.objects import CachedObject, DeletedFinalStateUnknown
from kube_informer.observer import Observer
from kube_informer.owners import OwnerReference, by_controller_uid, controller_of
from kube_informer.resource import CONFIGMAPS, NAMESPACES, NODES, PODS, SERVICES, Resource
from kube_informer.snapshot import IndexFunc, Snapshot
from kube_informer.source import BodyStream, Source
from kube_informer.steps import Timing
from kube_informer.transform import Transform, drop_managed_fields
from kube_informer.transport import Response, Stream, Transport
from kube_informer.workqueue import DefaultRateLimiter, RateLimiter, ShutDownError, WorkQueue

__all__ = [
    "CONFIGMAPS",
    "NAMESPACES",
    "NODES",
    "PODS",
    "SERVICES",
    "BackoffPolicy",
    "BodyStream",
    "CachedObject",
    "ClientCertificate",
    "ClientConfig",
    "Credentials",
    "CredentialsError",
    "DefaultRateLimiter",
    "DeletedFinalStateUnknown",
    "FieldSelector",
    "FieldTerm",
    "HandlerError",
    "HandlerRegistration",
    "Health",
    "Impersonation",
    "IndexFunc",
    "Indexer",
    "InformerError",
    "KubeconfigError",
    "LabelSelector",
    "LifecycleError",
    "Lister",
    "NamespaceLister",
    "NotSyncedError",
    "Observer",
    "Operator",
    "OwnerReference",
    "RateLimiter",
    "Requirement",
    "Resource",
    "ResourceEventHandler",
    "ResourceEventHandlerFuncs",
    "Response",
    "SelectableFields",
    "SelectorError",
    "SharedInformer",
    "SharedInformerFactory",
    "ShutDownError",
    "Snapshot",
    "Source",
    "Stream",
    "SyncError",
    "Timing",
    "TokenFile",
    "TokenSource",
    "Transform",
    "TransformError",
    "Transport",
    "TransportError",
    "TransportTimeoutError",
    "UndecodableError",
    "UnknownIndexError",
    "WorkQueue",
    "by_controller_uid",
    "controller_of",
    "drop_managed_fields",
    "on_any",
    "parse_field_selector",
    "parse_label_selector",
    "run_controller",
    "selectable_fields",
]
