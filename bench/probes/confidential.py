"""Select the samples of an existing API server that may be stored: none with private names. Pure.

Labels hold names of custom resources, webhooks, priority levels and hosts. A sample is stored
only if it is known to be harmless: a counter in the registry of metrics, with labels whose
values every cluster has.
"""

from collections.abc import Mapping

from bench.metrics import scraped_names

KEPT = scraped_names()

CLOSED = frozenset(
    {"verb", "code", "subresource", "scope", "component", "version", "dry_run", "operation"}
    | {"storage", "index", "reason", "execute", "fallback", "success", "le"}
)
"""Labels whose values are the same on every cluster."""

OURS = {
    "group": frozenset({""}),
    "resource": frozenset({"", "pods", "configmaps"}),
    "kind": frozenset({"Pod", "ConfigMap"}),
    "type": frozenset({"*core.Pod", "*core.ConfigMap", "/pods/", "/configmaps/"}),
    "resource_prefix": frozenset({"/pods", "/configmaps"}),
    "priority_level": frozenset(
        {"exempt", "global-default", "leader-election", "node-high", "system"}
        | {"workload-high", "workload-low", "catch-all"}
    ),
    "flow_schema": frozenset(
        {"exempt", "probes", "system-leader-election", "endpoint-controller"}
        | {"workload-leader-election", "system-node-high", "system-nodes"}
        | {"kube-controller-manager", "kube-scheduler", "kube-system-service-accounts"}
        | {"service-accounts", "global-default", "catch-all"}
    ),
}
"""Labels of which only these values are kept: of this project's requests, and of the priority
levels and flow schemas that Kubernetes itself makes
(k8s.io/api and k8s.io/apiserver, pkg/apis/flowcontrol/bootstrap)."""


def may_be_kept(name: str, labels: Mapping[str, str]) -> bool:
    """Return whether a sample has no private name of the cluster."""
    return name in KEPT and all(
        key in CLOSED or value in OURS.get(key, ()) for key, value in labels.items()
    )
