"""What the reads cost, per second and for 1,000 of them: the control plane and the application."""

from functools import partial

from bench.analysis.exposed import (
    API_ALLOCATIONS,
    API_BYTES,
    API_CPU,
    ETCD_BYTES,
    ETCD_CPU,
    ETCD_RANGES,
    ETCD_REQUESTS,
    FLOW_REJECTED,
    FLOW_SEATS,
    FLOW_WAIT,
    LISTS_FROM_CACHE,
    LISTS_FROM_ETCD,
    OBJECTS_LISTED,
    Exposed,
)
from bench.analysis.facts import Facts
from bench.analysis.metric import ABOVE_NONE, Metric, grew_per_second, of_record, per_second
from bench.model import NO_SERVER


def _apiserver_cpu(facts: Facts) -> float | None:
    seconds = facts.record.apiserver_cpu_s
    if facts.restarted:
        return None
    if seconds is None:
        return grew_per_second(facts, API_CPU, 1000)
    return per_second(facts, seconds * 1000)


def _etcd_cpu(facts: Facts) -> float | None:
    seconds = facts.record.etcd_cpu_s
    if seconds is None:
        return grew_per_second(facts, ETCD_CPU, 1000)
    return per_second(facts, seconds * 1000)


def _control_plane_cpu(facts: Facts) -> float | None:
    parts = (_apiserver_cpu(facts), _etcd_cpu(facts))
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _of_record_per_second(facts: Facts, field: str, factor: float) -> float | None:
    amount = of_record(facts, field)
    return per_second(facts, None if amount is None else amount * factor)


def _scraped(key: str, title: str, unit: str, counter: Exposed, factor: float = 1.0) -> Metric:
    """Return a cost that is a counter's growth; a ``factor`` turns it into ``unit``."""
    return Metric(
        key=key,
        title=title,
        unit=unit,
        source=f"scrapes.parquet: {counter.name} of {counter.source}, end - begin, over marks_s"
        + ABOVE_NONE,
        of=partial(grew_per_second, counter=counter, factor=factor),
        above=NO_SERVER,
        needs_rate=True,
        may_be_zero=True,
        counters=(counter,),
    )


COSTS = (
    Metric(
        key="server_cpu",
        title="Server CPU",
        unit="ms/s",
        source="trial.json server_cpu_s, over marks_s",
        of=partial(_of_record_per_second, field="server_cpu_s", factor=1000.0),
        needs_rate=True,
    ),
    Metric(
        key="apiserver_cpu",
        title="API-server CPU",
        unit="ms/s",
        source="trial.json apiserver_cpu_s (where null: scrapes.parquet: "
        "process_cpu_seconds_total), over marks_s" + ABOVE_NONE,
        of=_apiserver_cpu,
        above=NO_SERVER,
        needs_rate=True,
        may_be_zero=True,
    ),
    Metric(
        key="etcd_cpu",
        title="etcd CPU",
        unit="ms/s",
        source="trial.json etcd_cpu_s (where null: scrapes.parquet: process_cpu_seconds_total), "
        "over marks_s" + ABOVE_NONE,
        of=_etcd_cpu,
        above=NO_SERVER,
        needs_rate=True,
        may_be_zero=True,
    ),
    Metric(
        key="control_plane_cpu",
        title="CPU of API server and etcd",
        unit="ms/s",
        source="trial.json apiserver_cpu_s + etcd_cpu_s, over marks_s" + ABOVE_NONE,
        of=_control_plane_cpu,
        above=NO_SERVER,
        needs_rate=True,
        may_be_zero=True,
    ),
    *(
        Metric(
            key=f"{process}_memory_highest",
            title=f"{name} memory, highest seen (RSS)",
            unit="B",
            source=f"trial.json {process}_rss_highest_bytes, of a control plane that only this "
            "trial used" + ABOVE_NONE,
            of=partial(of_record, field=f"{process}_rss_highest_bytes"),
            above=NO_SERVER,
            may_be_zero=True,
        )
        for process, name in (("apiserver", "API server's"), ("etcd", "etcd's"))
    ),
    _scraped("api_bytes", "Bytes the API server sent", "B/s", API_BYTES),
    _scraped("api_allocations", "Memory the API server allocated", "B/s", API_ALLOCATIONS),
    _scraped(
        "lists_from_cache", "Lists of pods served from the watch cache", "/s", LISTS_FROM_CACHE
    ),
    _scraped("lists_from_etcd", "Lists of pods served from etcd", "/s", LISTS_FROM_ETCD),
    _scraped("objects_listed", "Objects read to serve lists of pods", "/s", OBJECTS_LISTED),
    _scraped("flow_wait", "Waiting in flow control", "ms/s", FLOW_WAIT, 1000.0),
    _scraped("flow_seats", "Seats that requests took in flow control", "/s", FLOW_SEATS),
    _scraped("flow_rejected", "Rejected by flow control", "/s", FLOW_REJECTED),
    _scraped("etcd_requests", "Requests to etcd", "/s", ETCD_REQUESTS),
    _scraped("etcd_ranges", "Range reads in etcd", "/s", ETCD_RANGES),
    _scraped("etcd_bytes", "Bytes etcd sent", "B/s", ETCD_BYTES),
    Metric(
        key="upstream_bytes",
        title="Bytes the server received from the API server",
        unit="B/s",
        source="trial.json upstream_bytes, over marks_s",
        of=partial(_of_record_per_second, field="upstream_bytes", factor=1.0),
        needs_rate=True,
        may_be_zero=True,
    ),
)
