"""Counting API requests by key: from the client's series, the audit log's rows, the metric.

Keys are (verb, resource, subresource, code) of resource requests. Watches are
counted as watches *opened* between the marks, for only that is exact on all
three sides. The metric counts a watch when it ends, so opened = ended + growth
of the open ones (``apiserver_longrunning_requests``); of the audit rows, a watch
that was received before the begin mark and ended after it is not counted, one
still open (stage ResponseStarted) is. The client counts a watch when its
response begins.

Replicas share an account, as the pods of a Deployment do, and end their User-Agent in
``informer-bench-server/<replica>``, with ``.<worker>`` where a replica has several. A
replica's watch is opened before the window as a rule, and then it asks nothing in it: the
trial's record holds the watches opened before.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from bench.analysis.counters import Difference, Series
from bench.model import TrialRecord

STARTED = "ResponseStarted"
"""Stage of an audit line of a request that goes on."""

METRIC_VERBS = {"POST": "create", "PUT": "update", "APPLY": "patch"}
"""Verbs of the metric whose name in the audit log is not just the lower case."""


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


Count = Counter[Key]


def of_audit(rows: pd.DataFrame) -> Count:
    """Count audit rows of resource requests."""
    rows = rows[rows["resource"] != ""]
    columns = (rows[name].tolist() for name in Key._fields)
    return Counter(Key(*values) for values in zip(*columns, strict=True))


def of_client(counted: Difference) -> Count:
    """Count what a server said it sent."""
    return _counted((_labels(one.labels["verb"].lower(), one), one.value) for one in counted.series)


def of_metric(ended: Difference, still_open: Difference | None) -> Count:
    """Count ``apiserver_request_total``, with the growth of open watches if that is known."""
    rows = [
        (_labels(METRIC_VERBS.get(one.labels["verb"], one.labels["verb"].lower()), one), one.value)
        for one in ended.series
    ]
    for one in still_open.series if still_open else ():
        if one.labels.get("verb") == "WATCH":
            # A watch that was opened was answered 200, whatever events it carries later.
            resource, subresource = (
                one.labels.get("resource", ""),
                one.labels.get("subresource", ""),
            )
            rows.append((Key("watch", resource, subresource, 200), one.value))
    return _counted(rows)


def opened(audit: pd.DataFrame, record: TrialRecord) -> pd.DataFrame:
    """Drop the watches that were opened before the begin mark and merely ended after it.

    The line of a watch's start is behind the begin mark only if it was opened there.
    """
    begin_s = record.begin_mark_epoch_s or record.window_begin_epoch_s
    began = (audit["stage"] == STARTED) | (audit["received_us"] >= begin_s * 1e6)
    return audit[(audit["verb"] != "watch") | began]


def for_pods(count: Count, *verbs: str) -> int:
    """Return how many requests of ``verbs`` were for pods."""
    return sum(n for key, n in count.items() if key.resource == "pods" and key.verb in verbs)


def without_watches(count: Count) -> Count:
    """Leave the watches out."""
    return Counter({key: number for key, number in count.items() if key.verb != "watch"})


def replica_of(user_agent: str) -> int | None:
    """Return which replica ``user_agent`` names; ``None``: none."""
    found = REPLICA.fullmatch(user_agent)
    return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class ReplicaLedger:
    """What one replica asked between the marks."""

    replica: int
    audit: Count
    """By the audit log."""
    of_probe: Count
    """Of these, what the freshness probe's own reads caused."""
    client: Count | None
    """By its own count; ``None``: it tells none."""
    watches: int
    """Watches of pods that it opened from its start to the end mark, by the audit log."""

    @property
    def reads(self) -> int:
        """LISTs and GETs of pods for the load's reads."""
        return self.of_pods("list") + self.of_pods("get")

    @property
    def seen(self) -> bool:
        """Whether the audit log knows of it at all."""
        return bool(self.audit or self.watches)

    @property
    def agree(self) -> bool | None:
        """Whether its own count is the audit log's; ``None``: it has none."""
        return None if self.client is None else self.client == self.audit

    def of_pods(self, verb: str) -> int:
        """Return its requests for pods between the marks, without the probe's; a watch: opened."""
        return for_pods(self.audit - self.of_probe, verb)


@dataclass(frozen=True, slots=True)
class ReplicaLedgers:
    """The requests of one account, by replica and of whoever else used it."""

    replicas: tuple[ReplicaLedger, ...]
    others: Mapping[str, int]
    """By User-Agents that name none of the replicas: how many requests."""

    @property
    def told_apart(self) -> bool:
        """Whether the User-Agents name replicas; those of a server of somebody else's need not."""
        return not self.others or any(one.seen for one in self.replicas)

    def findings(self) -> Iterator[str]:
        """Tell which replica did not ask where the others did, and who else used the account."""
        if not self.told_apart:
            return
        of = len(self.replicas)
        mean = sum(one.reads for one in self.replicas) / of
        watching = any(one.watches for one in self.replicas)
        for one in self.replicas:
            if not one.reads and mean >= EXPECTED:
                yield (
                    f"replica {one.replica} of {of} read pods from the API server not once between "
                    f"the marks, where the replicas did so {mean:.3g} times on the mean"
                )
            if watching and not one.watches:
                yield (
                    f"replica {one.replica} of {of} opened no watch of pods, where others of them "
                    "did: it has no cache, or not its own"
                )
        if self.others:
            agents = ", ".join(f"{number:,} of {agent!r}" for agent, number in self.others.items())
            yield f"the account made requests that are of none of its replicas: {agents}"


def read_replicas(
    mine: pd.DataFrame,
    of_probe: "pd.Series[bool]",
    client: Difference | None,
    *,
    replicas: int,
    watches_before: Mapping[str, int] | None,
) -> ReplicaLedgers | None:
    """Tell the account's audit rows ``mine`` apart; ``of_probe`` marks those for the probe's pod.

    ``watches_before`` is the trial record's. ``None`` where the User-Agents were not kept.
    """
    if watches_before is None or "user_agent" not in mine or mine["user_agent"].isna().any():
        return None
    known = range(1, replicas + 1)
    named = mine["user_agent"].map(replica_of)
    before = Counter[int | None]()
    for agent, number in watches_before.items():
        before[replica_of(agent)] += number
    found = []
    for replica in known:
        own = named == replica
        audit = of_audit(mine[own])
        found.append(
            ReplicaLedger(
                replica=replica,
                audit=audit,
                of_probe=of_audit(mine[own & of_probe]),
                client=None if client is None else _of_replica(client, replica),
                watches=before[replica] + for_pods(audit, "watch"),
            )
        )
    others = Counter(mine["user_agent"][~named.isin(known)].tolist())
    for agent, number in watches_before.items():
        if replica_of(agent) not in known:
            others[agent] += number
    return ReplicaLedgers(tuple(found), dict(others))


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
    if not labelled:
        return None
    own = tuple(one for one in labelled if one.labels["replica"] == str(replica))
    return of_client(Difference(own, reset=client.reset))
