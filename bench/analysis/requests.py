"""Count API requests by key: from the client's series, the audit log's rows, the metric.

Watches are counted as watches *opened* between the marks: only that is exact in all three
ledgers. The metric counts a watch when it ends, so opened = ended + growth of the open ones
(``apiserver_longrunning_requests``); an audit row of a watch still open (stage ResponseStarted)
counts; the client counts a watch when its response begins.

Replicas share an account, as the pods of a Deployment do, and name themselves in their User-Agent.
A replica usually opens its watch before the window and sends nothing in it, so the trial's record
holds the watches opened before.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from bench.analysis.counters import Difference, Series
from bench.model import PROBE_NAME, TrialRecord

STARTED = "ResponseStarted"
"""Stage of the audit line of a request that is still open."""
METRIC_VERBS = {"POST": "create", "PUT": "update", "APPLY": "patch"}
"""Verbs of the metric whose name in the audit log is not just their lower case."""
NOT_IN_METRIC = frozenset({401, 403, 405})
"""Codes that the audit log holds and ``apiserver_request_total`` does not (seen on 1.37)."""
REPLICA = re.compile(r"(?:.* )?informer-bench-server/(\d+)(?:\.\d+)?")
"""A User-Agent that names its replica, from 1, and perhaps its worker."""
EXPECTED = 10
"""Mean reads of pods per replica above which a replica without any is reported. By chance alone
a replica with that mean has none in 1 of 20,000 trials."""


class Key(NamedTuple):
    """The key that requests are counted by."""

    verb: str
    resource: str
    subresource: str
    code: int

    def __str__(self) -> str:
        resource = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        return f"{self.verb} {resource} {self.code}"


AUDIT_COLUMNS = (*Key._fields, "user", "user_agent", "name", "stage", "received_us")
"""Columns of the audit table that requests are counted from."""


class Logged(NamedTuple):
    """The key that requests of the audit log are grouped by."""

    user: str
    agent: str | None
    """User-Agent; ``None``: not kept."""
    of_probe: bool
    """Whether it was about the freshness probe's own pod."""
    key: Key


Count = Counter[Key]
Log = Mapping[Logged, int]


def of_probe_pod(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Tell which audit rows are about the freshness probe's own pod."""
    # in any namespace: pods that are drawn never have this name
    return rows["name"] == PROBE_NAME


def countable(audit: pd.DataFrame, record: TrialRecord) -> pd.DataFrame:
    """Return the rows that count: all but watches that were opened before the begin mark.

    The line of a watch's start is behind the begin mark only if it was opened there.
    """
    begin_s = record.begin_mark_epoch_s or record.window_begin_epoch_s
    began = (audit["stage"] == STARTED) | (audit["received_us"] >= begin_s * 1e6)
    return audit[(audit["verb"] != "watch") | began]


def read_log(audit: pd.DataFrame, record: TrialRecord) -> Log:
    """Count the requests of the audit table."""
    audit = countable(audit, record)
    agents = audit["user_agent"].tolist() if "user_agent" in audit else [None] * len(audit)
    agents = [agent if isinstance(agent, str) else None for agent in agents]
    keys = zip(*(audit[name].tolist() for name in Key._fields), strict=True)
    who = zip(audit["user"].tolist(), agents, of_probe_pod(audit).tolist(), keys, strict=True)
    return {
        Logged(user, agent, probe, Key(*key)): number
        for (user, agent, probe, key), number in Counter(who).items()
    }


def within_window(audit: pd.DataFrame, record: TrialRecord) -> pd.DataFrame:
    """Return the rows received in the window: a client also sends requests during the marks."""
    received_s = audit["received_us"] / 1e6 - record.window_begin_epoch_s
    return audit[(received_s >= 0) & (received_s < record.window_s)]


def of_log(log: Log, selected: Callable[[Logged], bool] = lambda _: True) -> Count:
    """Count the ``selected`` requests for resources."""
    count: Count = Counter()
    for line, number in log.items():
        if line.key.resource and selected(line):
            count[line.key] += number
    return count


def of_client(counted: Difference) -> Count:
    """Count the requests of a server by its own series."""
    return _counted(
        (_labels(series.labels["verb"].lower(), series), series.value) for series in counted.series
    )


def of_metric(ended: Difference, still_open: Difference | None) -> Count:
    """Count ``apiserver_request_total``, with the growth of open watches if that is known."""
    rows = [
        (
            _labels(METRIC_VERBS.get(series.labels["verb"], series.labels["verb"].lower()), series),
            series.value,
        )
        for series in ended.series
    ]
    rows += [
        # A watch that was opened was answered 200, whatever events it carries later.
        (_labels("watch", series)._replace(code=200), series.value)
        for series in (still_open.series if still_open else ())
        if series.labels.get("verb") == "WATCH"
    ]
    return _counted(rows)


def for_pods(count: Count, *verbs: str) -> int:
    """Return how many requests of ``verbs`` were for pods."""
    return sum(n for key, n in count.items() if key.resource == "pods" and key.verb in verbs)


def without_watches(count: Count) -> Count:
    """Return the count without watches."""
    return Counter({key: number for key, number in count.items() if key.verb != "watch"})


def differences(
    left: str,
    left_count: Count | None,
    right: str,
    right_count: Count | None,
    allowed: Callable[[Key], int] = lambda _: 0,
) -> Iterator[str]:
    """Yield a text for each key whose counts in two ledgers differ by more than ``allowed``."""
    if left_count is None or right_count is None:
        return
    for key in sorted(key for key in {*left_count, *right_count} if key.code not in NOT_IN_METRIC):
        of_left, of_right = left_count[key], right_count[key]
        if abs(of_left - of_right) > allowed(key):
            yield f"{key}: {left} {of_left:,}, {right} {of_right:,}"


def replica_of(user_agent: str | None) -> int | None:
    """Return the number of the replica that ``user_agent`` names; ``None``: none."""
    match = REPLICA.fullmatch(user_agent or "")
    return int(match[1]) if match else None


@dataclass(frozen=True, slots=True)
class ReplicaRequests:
    """Requests of one of several replicas to the API server in one trial.

    ``lists``, ``gets`` and ``watches`` (opened) are of pods, between the marks, for the load's
    reads; the freshness probe's are left out. ``watches_since_start`` are those that it opened
    from its start to the end mark. ``audit_log`` and ``own_count`` are all of its requests
    between the marks, by either ledger; ``own_count`` is ``None`` if the server exposes none.
    """

    scenario: str
    server: str
    round: int
    replica: int
    lists: int
    gets: int
    watches: int
    watches_since_start: int
    audit_log: int
    own_count: int | None
    agree: bool | None = None
    """Whether the two ledgers agree key by key; ``None``: it has no count."""

    @property
    def seen(self) -> bool:
        """Whether the audit log has any request of the replica."""
        return bool(self.audit_log or self.watches_since_start)


@dataclass(frozen=True, slots=True)
class ReplicaLedgers:
    """The requests of one account, by replica and by other User-Agents."""

    rows: tuple[ReplicaRequests, ...]
    others: Mapping[str, int]
    """Number of requests by each User-Agent that names none of the replicas."""
    differences: tuple[str, ...]
    """Differences between a replica's own count and its rows of the audit log."""

    @property
    def told_apart(self) -> bool:
        """Whether the User-Agents name replicas; those of an external server may not."""
        return not self.others or any(row.seen for row in self.rows)

    def findings(self) -> Iterator[str]:
        """Yield replicas that sent no requests while others did, and others using the account."""
        if not self.told_apart:
            return
        of = len(self.rows)
        mean = sum(row.lists + row.gets for row in self.rows) / of
        watching = any(row.watches_since_start for row in self.rows)
        for row in self.rows:
            if not row.lists + row.gets and mean >= EXPECTED:
                yield (
                    f"replica {row.replica} of {of} read pods from the API server not once between "
                    f"the marks, where the replicas did so {mean:.3g} times on the mean"
                )
            if watching and not row.watches_since_start:
                yield (
                    f"replica {row.replica} of {of} opened no watch of pods, where others of them "
                    "did: it has no cache, or not its own"
                )
        if self.others:
            agents = ", ".join(f"{number:,} of {agent!r}" for agent, number in self.others.items())
            yield f"the account made requests that are of none of its replicas: {agents}"


def read_replicas(
    record: TrialRecord, mine: Log, counted: Difference | None
) -> ReplicaLedgers | None:
    """Split the requests ``mine`` of the server's account by replica, and compare its own count.

    ``None`` for one replica, and if the User-Agents were not kept.
    """
    before = record.watches_before
    if (
        record.is_client
        or record.replicas < 2
        or before is None
        or any(line.agent is None for line in mine)
    ):
        return None
    rows: list[ReplicaRequests] = []
    differing: list[str] = []
    known = range(1, record.replicas + 1)
    for replica in known:
        sent = {line: number for line, number in mine.items() if replica_of(line.agent) == replica}
        audit, reads = of_log(sent), of_log(sent, lambda line: not line.of_probe)
        client = None if counted is None else _of_replica(counted, replica)
        opened = sum(number for agent, number in before.items() if replica_of(agent) == replica)
        rows.append(
            ReplicaRequests(
                scenario=record.trial.scenario,
                server=record.trial.server,
                round=record.trial.round,
                replica=replica,
                lists=for_pods(reads, "list"),
                gets=for_pods(reads, "get"),
                watches=for_pods(reads, "watch"),
                watches_since_start=opened + for_pods(audit, "watch"),
                audit_log=audit.total(),
                own_count=None if client is None else client.total(),
                agree=None if client is None else client == audit,
            )
        )
        names = f"own count of replica {replica}", f"audit log of replica {replica}"
        differing += differences(names[0], client, names[1], audit)
    others: Counter[str] = Counter()
    for agent, number in (*((line.agent or "", n) for line, n in mine.items()), *before.items()):
        if replica_of(agent) not in known:
            others[agent] += number
    return ReplicaLedgers(tuple(rows), dict(others), tuple(differing))


def _labels(verb: str, series: Series) -> Key:
    text = series.labels.get("code", "0")
    code = int(text) if text.isdigit() else 0
    return Key(verb, series.labels.get("resource", ""), series.labels.get("subresource", ""), code)


def _counted(rows: Iterable[tuple[Key, float]]) -> Count:
    count: Count = Counter()
    for key, value in rows:
        if key.resource:
            count[key] += round(value)
    return Counter({key: number for key, number in count.items() if number})


def _of_replica(client: Difference, replica: int) -> Count | None:
    """Return the count of the series labelled ``replica``; ``None`` if no series has the label."""
    labelled = [series for series in client.series if "replica" in series.labels]
    matching = tuple(series for series in labelled if series.labels["replica"] == str(replica))
    return of_client(Difference(matching, reset=client.reset)) if labelled else None
