"""Counters under the names that versions of Kubernetes and etcd give them.

A version that lacks a counter has no figure for it, which is not the same as 0.
A counter with labels is not exposed before its first event either, which is 0:
there a ``witness`` of the same family tells the two apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.analysis.counters import Marks


@dataclass(frozen=True, slots=True)
class Reading:
    """One way of reading a counter: the sum of ``names``, of series with ``label`` = ``value``.

    With ``label`` it only applies where the metric has that label at all; without
    ``value`` every series counts.
    """

    names: tuple[str, ...]
    label: str | None = None
    value: str | None = None
    witness: str | None = None
    of_pods: bool = False
    """Only series of pods: the API server lists other kinds for its own sake, at its own times."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """A counter of ``source``: the first of ``readings`` that its version exposes."""

    source: str
    readings: tuple[Reading, ...]

    def grew(self, marks: Marks | None) -> float | None:
        """Return by how much it grew between the marks; ``None``: not exposed, or reset."""
        if marks is None or not marks.has(self.source) or marks.restarted(self.source):
            return None
        for reading in self.readings:
            if self._applies(marks, reading):
                return self._sum(marks, reading)
        return None

    def is_exposed(self, marks: Marks) -> bool:
        """Tell whether the source's version has this counter under one of its names."""
        return any(self._applies(marks, reading) for reading in self.readings)

    @property
    def name(self) -> str:
        """The newest name, to speak of it."""
        return " + ".join(self.readings[0].names)

    def _applies(self, marks: Marks, reading: Reading) -> bool:
        if reading.label is not None:
            found = marks.difference(self.source, reading.names[0])
            return found is not None and any(
                reading.label in series.labels for series in found.series
            )
        wanted = (reading.witness,) if reading.witness else reading.names
        return all(marks.exposes(self.source, name) for name in wanted)

    def _sum(self, marks: Marks, reading: Reading) -> float | None:
        total = 0.0
        for name in reading.names:
            found = marks.difference(self.source, name)
            if found is None:
                continue  # a witness vouches for it: no event yet
            if found.reset:
                return None
            total += sum(
                series.value
                for series in found.series
                if (
                    reading.value is None or series.labels.get(reading.label or "") == reading.value
                )
                and (not reading.of_pods or _is_of_pods(series.labels))
            )
        return total


def _is_of_pods(labels: Mapping[str, str]) -> bool:
    """Tell by the label of 1.37, or that of the watch cache's own metric in earlier versions."""
    return (
        labels.get("resource") == "pods" or labels.get("resource_prefix", "").strip("/") == "pods"
    )


def _counter(source: str, *names: str, witness: str | None = None) -> Exposed:
    return Exposed(source, (Reading(names, witness=witness),))


LISTS = "apiserver_storage_list_total"
LISTS_OBJECTS = "apiserver_storage_list_fetched_objects_total"
CACHE_LISTS = "apiserver_cache_list_total"
CACHE_LISTS_OBJECTS = "apiserver_cache_list_fetched_objects_total"
FLOW = "apiserver_flowcontrol_"

API_CPU = _counter("apiserver", "process_cpu_seconds_total")
ETCD_CPU = _counter("etcd", "process_cpu_seconds_total")
API_BYTES = _counter(
    "apiserver",
    "apiserver_response_sizes_sum",
    "apiserver_watch_events_sizes_sum",
    # No watch, no series of the second: the first speaks for both.
    witness="apiserver_response_sizes_sum",
)
API_ALLOCATIONS = _counter("apiserver", "go_memstats_alloc_bytes_total")
ETCD_REQUESTS = Exposed(
    "apiserver",
    (Reading(("etcd_requests_total",)), Reading(("etcd_request_duration_seconds_count",))),
)
ETCD_BYTES = _counter("etcd", "etcd_network_client_grpc_sent_bytes_total")
ETCD_RANGES = Exposed(
    "etcd",
    (Reading(("etcd_mvcc_range_total",)), Reading(("etcd_debugging_mvcc_range_total",))),
)
# From 1.37 on one metric says which storage served a list; before, it counted etcd's alone
# and another the watch cache's, which 1.37 still exposes beside it (k8s.io/apiserver,
# pkg/storage/metrics and pkg/storage/cacher/metrics).
LISTS_FROM_CACHE = Exposed(
    "apiserver",
    (
        Reading((LISTS,), label="storage", value="watchcache", of_pods=True),
        Reading((CACHE_LISTS,), of_pods=True),
    ),
)
LISTS_FROM_ETCD = Exposed(
    "apiserver",
    (
        Reading((LISTS,), label="storage", value="etcd", of_pods=True),
        Reading((LISTS,), of_pods=True),
    ),
)
OBJECTS_LISTED = Exposed(
    "apiserver",
    (
        Reading((LISTS_OBJECTS,), label="storage", of_pods=True),
        Reading((LISTS_OBJECTS, CACHE_LISTS_OBJECTS), of_pods=True),
    ),
)
FLOW_REJECTED = _counter(
    "apiserver",
    f"{FLOW}rejected_requests_total",
    witness=f"{FLOW}dispatched_requests_total",
)
FLOW_WAIT = _counter("apiserver", f"{FLOW}request_wait_duration_seconds_sum")
FLOW_SEATS = _counter("apiserver", f"{FLOW}work_estimated_seats_sum")
