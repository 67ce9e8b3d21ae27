"""All metrics of this project, one entry each. The order is that of every table.

A new metric is one entry here. A percentile is one line of ``PERCENTILES``. Titles, words,
views, the rules of the gate and the samples kept of an existing API server derive from them.
"""

from collections.abc import Iterator, Mapping

from bench.metrics.metric import (
    BARE,
    NO_SERVER,
    NOWHERE,
    Counted,
    Counter,
    Group,
    Growth,
    Load,
    Metric,
    Quantile,
    Reading,
    Recorded,
    Source,
    Speed,
    Tally,
    Times,
    Total,
    View,
    Words,
    percentile_name,
)
from bench.model.message import Message, message

LONGER = Words("times longer", "times shorter")
MANY = Words("times as many", "times fewer")
MUCH = Words("times as much", "times less")
LISTS = "apiserver_storage_list_total"
LISTS_OBJECTS = "apiserver_storage_list_fetched_objects_total"
CACHE_LISTS = "apiserver_cache_list_total"
CACHE_LISTS_OBJECTS = "apiserver_cache_list_fetched_objects_total"
FLOW = "apiserver_flowcontrol_"
API, ETCD = "apiserver", "etcd"
HEADLINE, TABLE, BALANCE, FACTORS, BILL, BRIEF, *_others = View
NOISE, MATRIX, VERSIONS, REPLICAS, MODEL, OBSERVERS = _others

PERCENTILES: Mapping[float, View] = {
    0.5: TABLE | BALANCE | FACTORS | BRIEF | NOISE | MATRIX | VERSIONS | OBSERVERS,
    0.9: TABLE,
    0.99: HEADLINE | TABLE | BALANCE | FACTORS | BRIEF,
}
"""The percentiles of response and service times, and the views of the former."""


def is_sent(name: str, labels: str) -> bool:
    """Return whether a series, its labels as they are exposed, is part of ``API_BYTES``."""
    return name == EVENTS or (name == ANSWERS and 'verb="WATCH"' not in labels)


def _counter(scraped: str, *names: str, witness: str | None = None) -> Counter:
    return Counter(scraped, (Reading(names, witness=witness),))


def _of_pods(*names: str, storage: str | None = None) -> Reading:
    return Reading(names, "storage" if storage else None, storage, of_pods=True)


ANSWERS, EVENTS = "apiserver_response_sizes_sum", "apiserver_watch_events_sizes_sum"
# A watch counts as an answer when it ends, with all its events since it began: these are counted
# one by one instead. Without watches there is no series of events: the answers witness both.
API_BYTES = Counter(API, (Reading((ANSWERS, EVENTS), witness=ANSWERS, unless=("verb", "WATCH")),))
ETCD_REQUESTS = Counter(
    API, (Reading(("etcd_requests_total",)), Reading(("etcd_request_duration_seconds_count",)))
)
ETCD_RANGES = Counter(
    ETCD, (Reading(("etcd_mvcc_range_total",)), Reading(("etcd_debugging_mvcc_range_total",)))
)
# From 1.37 on a label of one metric names the storage that served a list. Before, it counted
# etcd's alone and another metric the watch cache's, which 1.37 still exposes (k8s.io/apiserver,
# pkg/storage/metrics and pkg/storage/cacher/metrics).
LISTS_FROM_CACHE = Counter(API, (_of_pods(LISTS, storage="watchcache"), _of_pods(CACHE_LISTS)))
LISTS_FROM_ETCD = Counter(API, (_of_pods(LISTS, storage="etcd"), _of_pods(LISTS)))
OBJECTS_LISTED = Counter(
    API,
    (
        Reading((LISTS_OBJECTS,), "storage", of_pods=True),
        _of_pods(LISTS_OBJECTS, CACHE_LISTS_OBJECTS),
    ),
)
FLOW_REJECTED = _counter(
    API, f"{FLOW}rejected_requests_total", witness=f"{FLOW}dispatched_requests_total"
)


def _percentiles(
    key: str,
    title: str,
    short: str,
    times: Times,
    group: Group,
    note: str,
    views: Mapping[float, View],
    *,
    may_be_zero: bool = False,
) -> Iterator[Metric]:
    """Yield a metric for each percentile of ``views``; ``{q}`` stands for its name."""
    for q, shown in views.items():
        name = percentile_name(q)
        yield Metric(
            key.format(name),
            Message(title).format(q=name),
            Message(short).format(q=message("median") if q == 0.5 else name),
            "ms",
            of=Quantile(times, q),
            note=f", {note}",
            group=group,
            views=shown,
            words=LONGER,
            may_be_zero=may_be_zero,
        )


def _cost(
    key: str,
    title: str,
    unit: str,
    of: Source,
    views: View = NOWHERE,
    per_1000: View = NOWHERE,
    *,
    short: str = "",
    note: str = "",
    group: Group = Group.INTERNALS,
    words: Words = MANY,
    speed: Speed = Speed.FIXED,
) -> Metric:
    """Return a cost of the control plane, per second and above the floor."""
    return Metric(
        key,
        title,
        short,
        unit,
        of=of,
        note=note,
        group=group,
        views=views,
        per_1000=per_1000,
        words=words,
        floor=NO_SERVER,
        load=Load.FIXED_RATE,
        may_be_zero=True,
        per_read=True,
        speed=speed,
    )


def _cpu(process: str, title: str, views: View, per_1000: View) -> Metric:
    read = Growth(_counter(process, "process_cpu_seconds_total"), 1000.0)
    of = Recorded(f"{process}_cpu_s", 1000.0, per_second=True, otherwise=read)
    group, words = Group.CONTROL_PLANE, MUCH
    return _cost(f"{process}_cpu", title, "ms/s", of, views, per_1000, group=group, words=words)


def _memory_highest(process: str, whose: str, views: View) -> Metric:
    return Metric(
        f"{process}_memory_highest",
        f"{whose} memory, highest seen (RSS)",
        f"{whose} memory, highest seen",
        "B",
        of=Recorded(f"{process}_rss_highest_bytes"),
        note=", of a control plane that only this trial used",
        group=Group.CONTROL_PLANE,
        floor=NO_SERVER,
        may_be_zero=True,
        views=views,
    )


METRICS: tuple[Metric, ...] = (
    # Reads: throughput, latency, and requests that reached the API server.
    Metric(
        "api_requests",
        "Requests that reached the API server",
        "requests to the API server",
        "/s",
        note="audit.parquet: rows whose user is the server's identity, but those for the freshness "
        "probe's pod, over trial.json window_s",
        of=Counted(Tally.API_REQUESTS),
        group=Group.REQUESTS,
        views=TABLE,
        per_1000=HEADLINE | TABLE | BALANCE | FACTORS | BRIEF | MATRIX,
        may_be_zero=True,
        per_read=True,
        words=MANY,
    ),
    Metric(
        "throughput",
        "Reads answered",
        "",
        "/s",
        note="requests.parquet: rows with outcome ok, over trial.json window_s",
        of=Counted(Tally.ANSWERED),
        group=Group.READS,
        views=HEADLINE | TABLE | BALANCE | FACTORS | BRIEF | NOISE | MATRIX | VERSIONS,
        higher_is_better=True,
        load=Load.FULL_SPEED,
        speed=Speed.FULL,
        words=MANY,
    ),
    *_percentiles(
        "{}",
        "Latency {q}, from the intended start",
        "{q} latency",
        Times.RESPONSE,
        Group.READS,
        "unanswered rows at least the time-out",
        PERCENTILES,
    ),
    *_percentiles(
        "service_{}",
        "Latency {q}, from the actual send",
        "{q} service time",
        Times.SERVICE,
        Group.READS,
        "rows with outcome ok",
        dict.fromkeys(PERCENTILES, TABLE),
    ),
    # Costs of reads to the control plane.
    _cost(
        "control_plane_cpu",
        "CPU of API server and etcd",
        "ms/s",
        Total(("apiserver_cpu", "etcd_cpu")),
        HEADLINE | TABLE | BALANCE | BRIEF | MODEL,
        HEADLINE | MATRIX | VERSIONS,
        short="control-plane CPU",
        note="trial.json apiserver_cpu_s + etcd_cpu_s",
        group=Group.CONTROL_PLANE,
        words=MUCH,
        speed=Speed.FULL_IF_MEASURED,
    ),
    _cpu(
        API,
        "API-server CPU",
        TABLE | BALANCE | FACTORS | BRIEF | NOISE | REPLICAS | MODEL | OBSERVERS,
        TABLE,
    ),
    _cpu(ETCD, "etcd CPU", TABLE | BALANCE | FACTORS | REPLICAS, VERSIONS),
    _cost(
        "api_bytes",
        "Bytes the API server sent",
        "B/s",
        Growth(API_BYTES),
        group=Group.CONTROL_PLANE,
        views=HEADLINE | TABLE | BALANCE | FACTORS | BRIEF | NOISE | REPLICAS | MODEL,
        per_1000=HEADLINE | MATRIX | VERSIONS,
    ),
    _memory_highest("apiserver", "API server's", TABLE | VERSIONS),
    _memory_highest("etcd", "etcd's", TABLE),
    # Inside the control plane: the source of lists, and waiting.
    _cost(
        "api_allocations",
        "Memory the API server allocated",
        "B/s",
        Growth(_counter(API, "go_memstats_alloc_bytes_total")),
        short="allocated by the API server",
        views=TABLE,
        per_1000=VERSIONS,
        words=MUCH,
    ),
    _cost(
        "lists_from_cache",
        "Lists of pods served from the watch cache",
        "/s",
        Growth(LISTS_FROM_CACHE),
        short="lists from the watch cache",
        per_1000=TABLE | VERSIONS,
    ),
    _cost(
        "lists_from_etcd",
        "Lists of pods served from etcd",
        "/s",
        Growth(LISTS_FROM_ETCD),
        short="lists from etcd",
        per_1000=TABLE | VERSIONS,
    ),
    _cost(
        "objects_listed",
        "Objects read to serve lists of pods",
        "/s",
        Growth(OBJECTS_LISTED),
        short="objects read for lists",
        per_1000=TABLE,
    ),
    _cost(
        "flow_wait",
        "Waiting in flow control",
        "ms/s",
        Growth(_counter(API, f"{FLOW}request_wait_duration_seconds_sum"), 1000.0),
        TABLE,
        words=MUCH,
    ),
    _cost(
        "flow_seats",
        "Seats that requests took in flow control",
        "/s",
        Growth(_counter(API, f"{FLOW}work_estimated_seats_sum")),
        short="seats in flow control",
        views=TABLE,
    ),
    _cost("flow_rejected", "Rejected by flow control", "/s", Growth(FLOW_REJECTED), views=TABLE),
    _cost(
        "etcd_requests",
        "Requests to etcd",
        "/s",
        Growth(ETCD_REQUESTS),
        views=TABLE | BALANCE | FACTORS,
        per_1000=VERSIONS,
    ),
    _cost("etcd_ranges", "Range reads in etcd", "/s", Growth(ETCD_RANGES), views=TABLE),
    _cost(
        "etcd_bytes",
        "Bytes etcd sent",
        "B/s",
        Growth(_counter(ETCD, "etcd_network_client_grpc_sent_bytes_total")),
        views=TABLE,
        per_1000=VERSIONS,
    ),
    Metric(
        "open_watches",
        "Watches of pods open at the end",
        "open watches",
        "",
        note="scrapes.parquet: apiserver_longrunning_requests at the end mark, verb WATCH, "
        "resource pods",
        of=Counted(Tally.OPEN_WATCHES),
        group=Group.INTERNALS,
        views=REPLICAS,
        floor=NO_SERVER,
        may_be_zero=True,
        words=MANY,
    ),
    Metric(
        "watches_held",
        "Watches held at the end",
        "watches held",
        "",
        note=": watches of the account that were opened since its start and not ended by the end "
        "mark",
        of=Recorded("watches_held"),
        group=Group.REQUESTS,
        views=TABLE | BRIEF,
        may_be_zero=True,
        words=MANY,
    ),
    # Costs of the application.
    Metric(
        "server_cpu",
        "Application CPU",
        "application CPU",
        "ms/s",
        of=Recorded("server_cpu_s", 1000.0, per_second=True),
        group=Group.APPLICATION,
        views=TABLE | BILL | NOISE | REPLICAS | OBSERVERS,
        per_1000=TABLE | BALANCE | FACTORS | BRIEF,
        load=Load.FIXED_RATE,
        per_read=True,
    ),
    Metric(
        "memory_end",
        "Application memory at the end (PSS)",
        "application memory",
        "B",
        of=Recorded("server_pss_end_bytes"),
        group=Group.APPLICATION,
        views=TABLE | BALANCE | FACTORS | BILL | BRIEF | NOISE | MATRIX | REPLICAS,
    ),
    Metric(
        "memory_peak",
        "Application memory, peak (PSS)",
        "peak memory",
        "B",
        of=Recorded("server_pss_peak_bytes"),
        group=Group.APPLICATION,
        views=TABLE | BILL,
    ),
    Metric(
        "memory_per_pod",
        "Application memory per cached pod (PSS, when ready)",
        "memory per cached pod",
        "B",
        note=" / pods_at_start; the same of the arm direct, which keeps none, subtracted, round by "
        "round",
        of=Recorded("server_pss_ready_bytes", per="pods_at_start"),
        group=Group.APPLICATION,
        views=BILL,
        floor=BARE,
        may_be_zero=True,
    ),
    Metric(
        "upstream_bytes",
        "Bytes the server received from the API server",
        "bytes received by the server",
        "B/s",
        of=Recorded("upstream_bytes", per_second=True),
        group=Group.APPLICATION,
        views=TABLE,
        load=Load.FIXED_RATE,
        may_be_zero=True,
        per_read=True,
        words=MANY,
    ),
    Metric(
        "ready",
        "Start to ready",
        "",
        "s",
        of=Recorded("ready_s"),
        group=Group.START,
        views=TABLE | BALANCE | FACTORS | BILL | BRIEF | NOISE | MATRIX | VERSIONS | REPLICAS,
        words=LONGER,
    ),
    Metric(
        "ready_requests",
        "Requests to the API server until ready",
        "requests until ready",
        "",
        of=Recorded("ready_requests"),
        group=Group.START,
        views=BILL | VERSIONS | REPLICAS,
        may_be_zero=True,
        words=MANY,
    ),
    Metric(
        "ready_bytes",
        "Bytes from the API server until ready",
        "bytes until ready",
        "B",
        of=Recorded("ready_bytes"),
        group=Group.START,
        views=BALANCE | BILL | VERSIONS | REPLICAS,
        may_be_zero=True,
        words=MANY,
    ),
    Metric(
        "ready_cpu",
        "Control-plane CPU until ready",
        "",
        "ms",
        note=", above what as long a time took just before the start",
        of=Recorded("ready_cpu_s", 1000.0),
        group=Group.START,
        views=TABLE | BALANCE | FACTORS | BILL | BRIEF,
        may_be_zero=True,
        words=MUCH,
    ),
    # After a fault.
    Metric(
        "recovery_requests",
        "Requests in the first 10 s after the fault",
        "requests after the fault",
        "",
        note="audit.parquet: rows of the account received within 10 s of trial.json "
        "fault.end_s (fault.started_anew_s after a restart), renewals of leases left out",
        of=Counted(Tally.RECOVERY_REQUESTS),
        group=Group.RECOVERY,
        views=TABLE | FACTORS | BRIEF,
        may_be_zero=True,
        words=MANY,
    ),
    Metric(
        "quiet_again",
        "From the end of the fault until quiet",
        "time until quiet again",
        "s",
        note="audit.parquet: the last row of the account before it sent none for as long as "
        "its plan calls quiet, from trial.json fault.end_s on",
        of=Counted(Tally.QUIET_AGAIN),
        group=Group.RECOVERY,
        views=TABLE | FACTORS | BRIEF,
        may_be_zero=True,
        words=LONGER,
    ),
    # The age of answers, and the latency of another client.
    *_percentiles(
        "staleness_{}",
        "Staleness {q}, upper bound",
        "{q} staleness, at most",
        Times.STALENESS,
        Group.FRESHNESS,
        "writes never seen count as longer",
        {0.5: BILL | MATRIX | VERSIONS, 0.99: BILL | BALANCE | BRIEF},
    ),
    Metric(
        "stale_first_reads",
        "Stale first reads after a write",
        "stale first reads",
        "",
        note="freshness.parquet: first_stale, as a share of the rows that have one",
        of=Counted(Tally.STALE_FIRST_READS),
        group=Group.FRESHNESS,
        views=BILL,
        may_be_zero=True,
        words=MANY,
    ),
    *_percentiles(
        "event_delay_{}",
        "Delay from acknowledgement to event, {q}",
        "{q} event delay",
        Times.EVENT_DELAY,
        Group.FRESHNESS,
        "where the server tells",
        {0.5: BILL},
        may_be_zero=True,
    ),
    *_percentiles(
        "bystander_{}",
        "Another client's small read, {q}",
        "another client's {q}",
        Times.BYSTANDER,
        Group.NEIGHBOURS,
        "unanswered rows count as longer",
        {0.5: TABLE, 0.99: TABLE | BALANCE},
    ),
)

BY_KEY: Mapping[str, Metric] = {metric.key: metric for metric in METRICS}

LEDGER_COUNTERS = frozenset({"apiserver_request_total", "apiserver_longrunning_requests"})
RESTART_COUNTER = "process_start_time_seconds"


def of_view(view: View) -> list[tuple[Metric, bool]]:
    """Return the metrics that ``view`` shows, in order, each with whether it is per 1,000 reads."""
    return [(metric, per_1000) for metric in METRICS for per_1000 in metric.shown_in(view)]


def scraped_names() -> frozenset[str]:
    """Return the names of all Prometheus series that a figure or a ledger is computed from."""
    counters = [metric.counter for metric in METRICS if metric.counter is not None]
    fallbacks = [
        metric.of.otherwise.counter
        for metric in METRICS
        if isinstance(metric.of, Recorded) and metric.of.otherwise is not None
    ]
    names = (name for counter in (*counters, *fallbacks) for name in counter.names)
    return frozenset(names) | LEDGER_COUNTERS | {RESTART_COUNTER}
