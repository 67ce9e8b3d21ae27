"""The three ledgers of API requests, and whether they agree, key by key.

1. The client's: the own count of the server under test.
2. The audit log: by user, or over all users.
3. The API server's own ``apiserver_request_total``.

The audit of a user is compared with that server's count, the audit over all users with the
metric. Requests that probe, bystander and churn writer report must be in the audit log too.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import pandas as pd

from bench.analysis.counters import Difference, Marks
from bench.analysis.requests import (
    Count,
    Key,
    Log,
    ReplicaLedgers,
    differences,
    of_client,
    of_log,
    of_metric,
    read_log,
    read_replicas,
    within_window,
    without_watches,
)
from bench.model import NO_SERVER, FaultRecord, TrialRecord

CLIENT_METRIC = "informer_bench_upstream_requests_total"
SERVER_METRIC = "apiserver_request_total"
OPEN_WATCHES = "apiserver_longrunning_requests"

ITSELF = "system:apiserver"
"""User in the audit log of requests that the API server sends to itself."""
STRADDLING = 2
"""Allowed difference in requests that only the API server sends: one may straddle each mark."""
SCRAPE_S = 0.1
"""About how long the API server takes to expose its metrics: a client's requests meanwhile may be
before the mark in one ledger and behind it in the other."""
LEASES = "leases"
"""The API server renews its leases every ten seconds; nothing of this project touches one."""
SHARED_IDENTITIES = {"direct-rv0": "direct"}
"""Servers that use another server's account, for records that name none."""
OBSERVERS = {"freshness": "probe"}
"""Account names of observers, where they differ from the observer's name."""
CHURN_SLACK = 2
"""Writes that may lie between the churn writer's span and the window."""


@dataclass(frozen=True, slots=True)
class Ledgers:
    """The counts of one trial; ``None`` where a ledger could not be read."""

    client: Count | None
    audit_user: Count | None
    audit_all: Count | None
    metric: Count | None
    missing: tuple[str, ...]
    """Which ledger is missing and why, in sentences."""
    disagreements: tuple[str, ...]
    """Keys that two ledgers count differently, in words."""
    for_reads: Count | None = None
    """``reached`` without requests caused by the freshness probe's own reads. Only the audit log
    tells them apart; without it they are included."""
    metric_reset: bool = False
    """Whether the metric fell between the marks, as it does only after a restart."""
    replicas: ReplicaLedgers | None = None
    """Requests of each of several replicas; ``None`` also where the User-Agent was not kept."""

    @property
    def agree(self) -> bool | None:
        """Whether every pair that exists agrees; ``None`` when there is no pair."""
        if self.disagreements:
            return False
        pairs = ((self.client, self.audit_user), (self.audit_all, self.metric))
        return True if any(None not in pair for pair in pairs) else None

    @property
    def reached(self) -> Count | None:
        """Requests of the server under test that reached the API server: audit log, else client."""
        return self.audit_user if self.audit_user is not None else self.client


def identity_of(record: TrialRecord) -> str | None:
    """Return the account the trial's server used; ``None`` for the arm without a server."""
    server = record.trial.server
    if server == NO_SERVER:
        return None
    return record.identity or SHARED_IDENTITIES.get(server, server)


def read_ledgers(
    record: TrialRecord,
    audit: pd.DataFrame | None,
    marks: Marks | None,
    observed: Mapping[str, pd.DataFrame] = MappingProxyType({}),
) -> Ledgers:
    """Count one trial's API requests in three ways and compare the counts.

    ``audit`` is the trial's audit table, ``marks`` its scrapes, each ``None`` when it was not
    recorded, ``observed`` the tables of its observers.
    """
    identity = identity_of(record)
    missing: list[str] = []
    counts = identity is not None and not record.is_client  # a client exposes no count
    counted = _client_difference(marks, missing) if counts else None
    client = None if counted is None else of_client(counted)
    log = None if audit is None else read_log(audit, record)
    if log is None:
        missing.append("the audit log was not recorded")
    by_user, for_reads, replicas = None, client, None
    if log is not None and identity is not None:
        mine = {line: number for line, number in log.items() if _is_of(line.user, identity)}
        by_user = of_log(mine)
        for_reads = of_log(mine, lambda line: not line.of_probe)
        if record.is_client and audit is not None:
            in_window = read_log(within_window(audit, record), record)
            for_reads = of_log(in_window, lambda line: _is_of(line.user, identity))
        replicas = read_replicas(record, mine, counted)
    everyone = None if log is None else of_log(log)
    metric, reset = _metric_count(marks, missing, record.fault)
    watches_known = marks is not None and marks.difference("apiserver", OPEN_WATCHES, gauge=True)
    if metric is not None and not watches_known:
        missing.append(
            f"{OPEN_WATCHES} is not exposed, so watches are not compared with the metric"
        )
        metric = without_watches(metric)
        everyone = None if everyone is None else without_watches(everyone)
    found = (
        *differences("the server's own count", client, "audit log", by_user),
        *(replicas.differences if replicas is not None and replicas.told_apart else ()),
        *differences(
            "audit log of all users", everyone, SERVER_METRIC, metric, _straddling(log, record)
        ),
        *(_shortfalls(log, _did(record, observed)) if log is not None else ()),
    )
    if record.fault is not None and found:
        missing.append(
            f"{record.fault.what} on purpose, and what got no answer is in one ledger and not in "
            f"another, so that they are not held against each other: {len(found)} counts differ, "
            f"the first: {found[0]}"
        )
        found, client, metric = (), None, None
    return Ledgers(
        client, by_user, everyone, metric, tuple(missing), found, for_reads, reset, replicas
    )


def _is_of(user: str, identity: str) -> bool:
    return user.endswith(f":{identity}")


def _straddling(log: Log | None, record: TrialRecord) -> Callable[[Key], int]:
    """Return how much each key may differ: marks do not pause the API server or clients."""
    if record.is_client:
        user = f":{record.identity}"
        paused = {
            line: count for line, count in (log or {}).items() if not line.user.endswith(user)
        }
        asked = of_log(log or {}, lambda line: line.user.endswith(user))
        rest = _straddling(paused, replace(record, is_client=False))
        marked = 2 * SCRAPE_S / (record.marks_s or 1.0)
        return lambda key: (
            max(STRADDLING * record.replicas, math.ceil(asked[key] * marked))
            if key in asked
            else rest(key)
        )
    itself = of_log(log or {}, lambda line: line.user == ITSELF)
    others = of_log(log or {}, lambda line: line.user != ITSELF)
    known = log is not None
    return lambda key: (
        STRADDLING
        if known and key not in others and (key in itself or key.resource == LEASES)
        else 0
    )


def _client_difference(marks: Marks | None, missing: list[str]) -> Difference | None:
    difference = marks.difference("server", CLIENT_METRIC) if marks else None
    if difference is None:
        missing.append(f"the server's own count ({CLIENT_METRIC}) was not scraped at both marks")
    elif difference.reset:
        missing.append("the server restarted between the marks, its own count began anew")
        return None
    return difference


def _metric_count(
    marks: Marks | None, missing: list[str], fault: FaultRecord | None
) -> tuple[Count | None, bool]:
    """Return the metric's count, and whether it fell between the marks."""
    ended = marks.difference("apiserver", SERVER_METRIC) if marks else None
    still_open = marks.difference("apiserver", OPEN_WATCHES, gauge=True) if marks else None
    if ended is None:
        missing.append(f"{SERVER_METRIC} was not scraped at both marks")
        return None, False
    if ended.reset:
        why = f": {fault.what} on purpose" if fault is not None else ""
        missing.append(f"the API server restarted between the marks, its counters began anew{why}")
        return None, True
    return of_metric(ended, still_open), False


def _did(record: TrialRecord, observed: Mapping[str, pd.DataFrame]) -> Mapping[str, int]:
    """Return, by identity, the good requests in the window by churn writer and observers."""
    did = {"churn": int(record.churn_achieved_per_s * record.window_s) - CHURN_SLACK}
    for name, rows in observed.items():
        good = rows[rows["outcome"] == "ok"] if "outcome" in rows else rows
        did[OBSERVERS.get(name, name)] = len(good)
    return did


def _shortfalls(log: Log, did: Mapping[str, int]) -> list[str]:
    """Name the identities of which the audit log holds too few; more may be outside the window."""
    shortfalls = []
    for identity, number in did.items():
        logged = sum(
            n for line, n in log.items() if line.key.code < 400 and _is_of(line.user, identity)
        )
        if logged < number:
            shortfalls.append(f"{identity}: did {number:,} by its own rows, audit log {logged:,}")
    return shortfalls
