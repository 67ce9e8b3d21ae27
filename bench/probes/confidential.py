"""Samples of an existing API server that may be kept: none that names what is private. Pure.

Labels hold the names of their custom resources, webhooks, priority levels and hosts.
What is not known to be harmless is left out: only counters that the registry of metrics
names, and of those only series whose labels have values every cluster has.
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
"""Labels of which only these values are kept: what this project asks for, and the priority
levels and flow schemas that Kubernetes itself makes
(k8s.io/api and k8s.io/apiserver, pkg/apis/flowcontrol/bootstrap)."""


def may_be_kept(name: str, labels: Mapping[str, str]) -> bool:
    """Return whether a sample names nothing that is theirs."""
    return name in KEPT and all(
        key in CLOSED or value in OURS.get(key, ()) for key, value in labels.items()
    )
