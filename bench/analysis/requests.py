"""Counting API requests by key: from the client's series, the audit log's rows, the metric.

Watches are counted as watches *opened* between the marks, for only that is exact on all three
sides. The metric counts a watch when it ends, so opened = ended + growth of the open ones
(``apiserver_longrunning_requests``); of the audit rows, one still open (stage ResponseStarted)
is counted; the client counts a watch when its response begins.

Replicas share an account, as the pods of a Deployment do, and name themselves in their User-Agent.
A replica's watch is opened before the window as a rule, and then it asks nothing in it: the
trial's record holds the watches opened before.
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
"""Stage of an audit line of a request that goes on."""
METRIC_VERBS = {"POST": "create", "PUT": "update", "APPLY": "patch"}
"""Verbs of the metric whose name in the audit log is not just the lower case."""
NOT_IN_METRIC = frozenset({401, 403, 405})
"""Codes that the audit log holds and ``apiserver_request_total`` does not (found on 1.37)."""
REPLICA = re.compile(r"(?:.* )?informer-bench-server/(\d+)(?:\.\d+)?")
"""A User-Agent that names its replica, from 1, and perhaps which of its workers it is."""
EXPECTED = 10
"""Reads of pods that a replica made on the mean, for one that made none to be told. Spread by
chance, one of that mean would have none in 1 of 20,000 trials."""


class Key(NamedTuple):
    """What requests are counted by."""

    verb: str
    resource: str
    subresource: str
    code: int

    def __str__(self) -> str:
        resource = f"{self.resource}/{self.subresource}" if self.subresource else self.resource
        return f"{self.verb} {resource} {self.code}"


AUDIT_COLUMNS = (*Key._fields, "user", "user_agent", "name", "stage", "received_us")
"""Of the audit table, what requests are counted from."""


class Logged(NamedTuple):
    """What requests of the audit log are told apart by."""

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
    # of whatever namespace: pods that are drawn never have this name
    return rows["name"] == PROBE_NAME


def countable(audit: pd.DataFrame, record: TrialRecord) -> pd.DataFrame:
    """Return the rows that count: all but watches that merely ended after the begin mark.

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
    """Return the rows received in the window itself: a client asks on while marks are taken."""
    received_s = audit["received_us"] / 1e6 - record.window_begin_epoch_s
    return audit[(received_s >= 0) & (received_s < record.window_s)]


def of_log(log: Log, wanted: Callable[[Logged], bool] = lambda _: True) -> Count:
    """Count the requests for resources among those that are ``wanted``."""
    found: Count = Counter()
    for one, number in log.items():
        if one.key.resource and wanted(one):
            found[one.key] += number
    return found


def of_client(counted: Difference) -> Count:
    """Count what a server said it sent."""
    return _counted((_labels(one.labels["verb"].lower(), one), one.value) for one in counted.series)


def of_metric(ended: Difference, still_open: Difference | None) -> Count:
    """Count ``apiserver_request_total``, with the growth of open watches if that is known."""
    rows = [
        (_labels(METRIC_VERBS.get(one.labels["verb"], one.labels["verb"].lower()), one), one.value)
        for one in ended.series
    ]
    rows += [
        # A watch that was opened was answered 200, whatever events it carries later.
        (_labels("watch", one)._replace(code=200), one.value)
        for one in (still_open.series if still_open else ())
        if one.labels.get("verb") == "WATCH"
    ]
    return _counted(rows)


def for_pods(count: Count, *verbs: str) -> int:
    """Return how many requests of ``verbs`` were for pods."""
    return sum(n for key, n in count.items() if key.resource == "pods" and key.verb in verbs)


def without_watches(count: Count) -> Count:
    """Leave the watches out."""
    return Counter({key: number for key, number in count.items() if key.verb != "watch"})


def differences(
    left: str,
    left_count: Count | None,
    right: str,
    right_count: Count | None,
    allowed: Callable[[Key], int] = lambda _: 0,
) -> Iterator[str]:
    """Tell each key that two ledgers count differently by more than is ``allowed``."""
    if left_count is None or right_count is None:
        return
    for key in sorted(key for key in {*left_count, *right_count} if key.code not in NOT_IN_METRIC):
        one, other = left_count[key], right_count[key]
        if abs(one - other) > allowed(key):
            yield f"{key}: {left} {one:,}, {right} {other:,}"


def replica_of(user_agent: str | None) -> int | None:
    """Return which replica ``user_agent`` names; ``None``: none."""
    found = REPLICA.fullmatch(user_agent or "")
    return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class ReplicaRequests:
    """What one of several replicas asked the API server in one trial.

    ``lists``, ``gets`` and ``watches`` (opened) are of pods, between the marks, for the load's
    reads; the freshness probe's are left out. ``watches_since_start`` are those that it opened
    from its start to the end mark. ``audit_log`` and ``own_count`` are all of its requests
    between the marks, by either ledger; ``own_count`` is ``None`` where the server tells none.
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
    """Whether the two ledgers agree key by key; ``None``: it has no own count."""

    @property
    def seen(self) -> bool:
        """Whether the audit log knows of the replica at all."""
        return bool(self.audit_log or self.watches_since_start)


@dataclass(frozen=True, slots=True)
class ReplicaLedgers:
    """The requests of one account, by replica and of whoever else used it."""

    rows: tuple[ReplicaRequests, ...]
    others: Mapping[str, int]
    """By User-Agents that name none of the replicas: how many requests."""
    differences: tuple[str, ...]
    """Where a replica's own count is not that of its rows of the audit log."""

    @property
    def told_apart(self) -> bool:
        """Whether the User-Agents name replicas; those of a server of somebody else's need not."""
        return not self.others or any(one.seen for one in self.rows)

    def findings(self) -> Iterator[str]:
        """Tell which replica did not ask where the others did, and who else used the account."""
        if not self.told_apart:
            return
        of = len(self.rows)
        mean = sum(one.lists + one.gets for one in self.rows) / of
        watching = any(one.watches_since_start for one in self.rows)
        for one in self.rows:
            if not one.lists + one.gets and mean >= EXPECTED:
                yield (
                    f"replica {one.replica} of {of} read pods from the API server not once between "
                    f"the marks, where the replicas did so {mean:.3g} times on the mean"
                )
            if watching and not one.watches_since_start:
                yield (
                    f"replica {one.replica} of {of} opened no watch of pods, where others of them "
                    "did: it has no cache, or not its own"
                )
        if self.others:
            agents = ", ".join(f"{number:,} of {agent!r}" for agent, number in self.others.items())
            yield f"the account made requests that are of none of its replicas: {agents}"


def read_replicas(
    record: TrialRecord, mine: Log, counted: Difference | None
) -> ReplicaLedgers | None:
    """Tell the requests ``mine`` of the server's account apart, and hold them against its own.

    ``None`` for one replica, and where the User-Agents were not kept.
    """
    before = record.watches_before
    if (
        record.is_client
        or record.replicas < 2
        or before is None
        or any(one.agent is None for one in mine)
    ):
        return None
    rows: list[ReplicaRequests] = []
    differing: list[str] = []
    known = range(1, record.replicas + 1)
    for replica in known:
        own = {one: number for one, number in mine.items() if replica_of(one.agent) == replica}
        audit, reads = of_log(own), of_log(own, lambda one: not one.of_probe)
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
    for agent, number in (*((one.agent or "", n) for one, n in mine.items()), *before.items()):
        if replica_of(agent) not in known:
            others[agent] += number
    return ReplicaLedgers(tuple(rows), dict(others), tuple(differing))


def _labels(verb: str, one: Series) -> Key:
    code = one.labels.get("code", "0")
    number = int(code) if code.isdigit() else 0
    return Key(verb, one.labels.get("resource", ""), one.labels.get("subresource", ""), number)


def _counted(rows: Iterable[tuple[Key, float]]) -> Count:
    count: Count = Counter()
    for key, value in rows:
        if key.resource:
            count[key] += round(value)
    return Counter({key: number for key, number in count.items() if number})


def _of_replica(client: Difference, replica: int) -> Count | None:
    """Return the count of the series labelled ``replica``; ``None`` where none is labelled."""
    labelled = [one for one in client.series if "replica" in one.labels]
    own = tuple(one for one in labelled if one.labels["replica"] == str(replica))
    return of_client(Difference(own, reset=client.reset)) if labelled else None
