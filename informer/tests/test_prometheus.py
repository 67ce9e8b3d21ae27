"""The metrics of an informer have client-go's names, and are documented."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

import kube_informer
from kube_informer import NODES, PODS, Health, Observer, SharedInformer, Transport
from kube_informer.prometheus import InformerMetrics

README = Path(kube_informer.__file__).parents[2] / "README.md"
POD_LABELS = {"name": "pods", "group": "", "version": "v1", "resource": "pods"}


class Waiting:
    queue_depth = 3


class Idle:
    """An idle informer, as far as :meth:`InformerMetrics.watch` reads it."""

    handlers = (Waiting(), Waiting())
    raw_bytes = 10
    has_synced = True

    class _Snapshot:
        resource_version = "9007199254740993000000000000123"

        def __len__(self) -> int:
            return 2

    def snapshot(self) -> "_Snapshot":
        return self._Snapshot()

    health = Health("", 1.5)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry) -> InformerMetrics:
    metrics = InformerMetrics(registry, PODS)
    metrics.watch(Idle())
    return metrics


def test_exactly_the_exported_metrics_are_documented(registry, metrics):
    shown = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in registry.collect()
    }
    table = [line for line in README.read_text().splitlines() if line.startswith("| `")]
    documented = set(re.findall(r"`((?:reflector|informer)_[a-z_]+)`", "\n".join(table)))
    assert shown == documented


def test_every_event_of_an_observer_is_counted(registry, metrics):
    ignored = [name for name in vars(Observer) if not name.startswith("_")]
    assert [] == [name for name in ignored if name not in vars(InformerMetrics)]


def test_client_gos_metrics_have_its_names_and_labels(registry, metrics):
    metrics.listed(200, 0.5)
    metrics.filled("initial", 40)
    metrics.watch_started()
    metrics.watch_ended(0.2, 0, short=True)
    metrics.watch_ended(300.0, 7, short=False)
    metrics.handler_called("mine", 0.25)
    shown = {
        "reflector_lists_total": 1.0,
        "reflector_list_duration_seconds_sum": 0.5,
        "reflector_items_per_list_sum": 40.0,
        "reflector_watches_total": 1.0,
        "reflector_short_watches_total": 1.0,
        "reflector_watch_duration_seconds_count": 2.0,
        "reflector_items_per_watch_sum": 7.0,
        "reflector_last_resource_version": 123.0,
    }
    assert shown == {name: registry.get_sample_value(name, {"name": "pods"}) for name in shown}
    assert (6.0, 123.0, 0.25) == (
        registry.get_sample_value("informer_queued_items", POD_LABELS),
        registry.get_sample_value("informer_store_resource_version", POD_LABELS),
        registry.get_sample_value("informer_processing_latency_seconds_sum", POD_LABELS),
    )


def test_an_informer_not_filled_yet_has_version_0(registry):
    metrics = InformerMetrics(registry)
    metrics.watch(SharedInformer(Transport.__new__(Transport), PODS, observer=metrics))
    assert 0.0 == registry.get_sample_value("informer_store_resource_version", POD_LABELS)


def test_informers_of_one_registry_are_distinguished_by_their_names(registry):
    web = InformerMetrics(registry, PODS, "web")
    nodes = InformerMetrics(registry, NODES)
    web.event("ADDED")
    nodes.event("ADDED")
    nodes.event("ADDED")
    for metrics in (web, nodes):
        metrics.watch(Idle())
    assert [1.0, 2.0, 2.0, 2.0] == [
        registry.get_sample_value("informer_events_total", {"name": "web", "type": "ADDED"}),
        registry.get_sample_value("informer_events_total", {"name": "nodes", "type": "ADDED"}),
        registry.get_sample_value("informer_objects", {"name": "web"}),
        registry.get_sample_value("informer_objects", {"name": "nodes"}),
    ]


def test_a_name_that_is_taken_is_refused(registry, metrics):
    with pytest.raises(ValueError, match="'pods' has metrics in this registry"):
        InformerMetrics(registry, PODS)
