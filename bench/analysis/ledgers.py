"""The three ledgers of API requests, and whether they agree, key by key.

1. The client's: what the server under test counted itself.
2. The audit log: by user, or over all users.
3. The API server's own ``apiserver_request_total``.

The audit of a user stands against that server's count, the audit over all users
against the metric; codes 401, 403 and 405 are in the audit log and not in the
metric, so they are left out of the comparison on both sides. What the API server
asks of itself (its leases, say) goes on while all others pause for a mark, so one
such request may be counted on either side of each. What probe,
bystander and churn writer say they did must be in the audit log too. Of several replicas
each one's own count stands against its own rows of the audit log. In a trial with a fault
counts that differ are told and judged no disagreement.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from bench.analysis.counters import Difference, Marks
from bench.analysis.requests import (
    Count,
    Key,
    ReplicaLedgers,
    of_audit,
    of_client,
    of_metric,
    opened,
    read_replicas,
    without_watches,
)
from bench.model import NO_SERVER, PROBE_NAME, FaultRecord, TrialRecord

CLIENT_METRIC = "informer_bench_upstream_requests_total"
SERVER_METRIC = "apiserver_request_total"
OPEN_WATCHES = "apiserver_longrunning_requests"

NOT_IN_METRIC = frozenset({401, 403, 405})
"""Codes that the audit log holds and ``apiserver_request_total`` does not (found on 1.37)."""

ITSELF = "system:apiserver"
"""Whom the audit log names for requests that the API server sends to itself."""
STRADDLING = 2
"""Requests of a kind that only the API server sends itself: one may straddle each mark."""
LEASES = "leases"
"""What it renews every ten seconds, whoever else is there; nobody of this project touches one."""

SHARED_IDENTITIES = {"direct-rv0": "direct"}
"""Servers that use another one's account, for records that name none."""

CHURN_SLACK = 2
"""Writes that may lie between the churn writer's span and the window that its rate is put on."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One key that two ledgers count differently."""

    key: Key
    left: str
    left_count: int
    right: str
    right_count: int

    def __str__(self) -> str:
        return f"{self.key}: {self.left} {self.left_count:,}, {self.right} {self.right_count:,}"


@dataclass(frozen=True, slots=True)
class Shortfall:
    """An observer that did more, by its own rows, than the audit log holds of it."""

    user: str
    did: int
    logged: int

    def __str__(self) -> str:
        return f"{self.user}: did {self.did:,} by its own rows, audit log {self.logged:,}"


@dataclass(frozen=True, slots=True)
class Ledgers:
    """The counts of one trial; ``None`` where a ledger could not be read."""

    client: Count | None
    audit_user: Count | None
    audit_all: Count | None
    metric: Count | None
    missing: tuple[str, ...]
    """Which ledger is missing and why, in sentences."""
    disagreements: tuple[Disagreement | Shortfall, ...]
    audit_probe: Count | None = None
    """Of ``audit_user``, what asked for the freshness probe's own pod."""
    metric_reset: bool = False
    """Whether the metric fell between the marks, as only a restart lets it."""
    replicas: ReplicaLedgers | None = None
    """Of several replicas: what each asked; ``None`` also where the User-Agent was not kept."""

    @property
    def agree(self) -> bool | None:
        """Whether every pair that exists agrees; ``None`` when there is no pair."""
        if self.disagreements:
            return False
        pairs = ((self.client, self.audit_user), (self.audit_all, self.metric))
        return True if any(None not in pair for pair in pairs) else None

    @property
    def reached(self) -> Count | None:
        """The requests of the server under test that reached the API server.

        By the audit log; by the client's own count where there is no audit log.
        """
        return self.audit_user if self.audit_user is not None else self.client

    @property
    def for_reads(self) -> Count | None:
        """``reached``, without what the freshness probe's own reads caused.

        Only the audit log can tell them apart; without it they are among the rest.
        """
        if self.audit_user is None or self.audit_probe is None:
            return self.reached
        return self.audit_user - self.audit_probe


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
    *,
    freshness: pd.DataFrame | None = None,
    bystander: pd.DataFrame | None = None,
) -> Ledgers:
    """Count one trial's API requests three ways and compare.

    ``audit`` is the trial's audit table, ``marks`` its scrapes, ``freshness`` and
    ``bystander`` what the observers recorded, each ``None`` when it was not.
    """
    identity = identity_of(record)
    missing: list[str] = []
    counted = _client_difference(marks, missing) if identity is not None else None
    client = None if counted is None else of_client(counted)
    rows = opened(audit, record) if audit is not None else None
    if rows is None:
        missing.append("the audit log was not recorded")
    own, of_probe, replicas = None, None, None
    if rows is not None and identity is not None:
        mine = _of_user(rows, identity)
        own = of_audit(mine)
        of_probe = of_audit(mine[of_probe_pod(mine)])
        if record.replicas > 1:
            replicas = read_replicas(
                mine,
                of_probe_pod(mine),
                counted,
                replicas=record.replicas,
                watches_before=record.watches_before,
            )
    everyone = of_audit(rows) if rows is not None else None
    metric, reset = _metric_count(marks, missing, record.fault)
    if record.shared:
        # there is nobody to compare them with: the audit rows are those of our own accounts
        missing.append(f"{SERVER_METRIC} counts everybody's requests on a cluster that is shared")
        metric = everyone = None
    watches_known = marks is not None and marks.difference("apiserver", OPEN_WATCHES, gauge=True)
    if metric is not None and not watches_known:
        missing.append(
            f"{OPEN_WATCHES} is not exposed, so watches are not compared with the metric"
        )
        metric = without_watches(metric)
        everyone = None if everyone is None else without_watches(everyone)
    disagreements = (
        *_compare("the server's own count", client, "audit log", own),
        *_compare_replicas(replicas),
        *_compare("audit log of all users", everyone, SERVER_METRIC, metric, rows),
        *(_shortfalls(rows, _did(record, freshness, bystander)) if rows is not None else ()),
    )
    if record.fault is not None and disagreements:
        missing.append(_unsettled(record.fault, disagreements))
        disagreements = ()
        client = metric = None
    return Ledgers(
        client,
        own,
        everyone,
        metric,
        tuple(missing),
        disagreements,
        of_probe,
        metric_reset=reset,
        replicas=replicas,
    )


def _unsettled(fault: FaultRecord, found: Sequence[Disagreement | Shortfall]) -> str:
    """Say why counts that differ are no disagreement: a request may be lost between two ledgers."""
    return (
        f"{fault.what} on purpose, and what got no answer is in one ledger and not in another, so "
        f"that they are not held against each other: {len(found)} counts differ, the first: "
        f"{found[0]}"
    )


def _unpaused(rows: pd.DataFrame | None) -> Callable[[Key], bool]:
    """Return whether requests of a key come from the API server alone, which no mark pauses."""
    if rows is None:
        return lambda _: False
    itself = rows["user"] == ITSELF
    own, others = of_audit(rows[itself]), of_audit(rows[~itself])
    return lambda key: key not in others and (key in own or key.resource == LEASES)


def _of_user(rows: pd.DataFrame, identity: str) -> pd.DataFrame:
    return rows[rows["user"].str.endswith(f":{identity}")]


def of_probe_pod(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Tell which audit rows are about the freshness probe's own pod."""
    # of whatever namespace: pods that are drawn never have this name
    return rows["name"] == PROBE_NAME


def _client_difference(marks: Marks | None, missing: list[str]) -> Difference | None:
    difference = marks.difference("server", CLIENT_METRIC) if marks else None
    if difference is None:
        missing.append(f"the server's own count ({CLIENT_METRIC}) was not scraped at both marks")
        return None
    if difference.reset:
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


def _compare(
    left: str,
    left_count: Count | None,
    right: str,
    right_count: Count | None,
    audit: pd.DataFrame | None = None,
) -> list[Disagreement]:
    """Compare two counts; what ``audit`` shows to be the API server's own may straddle marks."""
    if left_count is None or right_count is None:
        return []
    unpaused = _unpaused(audit)
    keys = sorted(key for key in {*left_count, *right_count} if key.code not in NOT_IN_METRIC)
    return [
        Disagreement(key, left, left_count[key], right, right_count[key])
        for key in keys
        if abs(left_count[key] - right_count[key]) > (STRADDLING if unpaused(key) else 0)
    ]


def _compare_replicas(found: ReplicaLedgers | None) -> Iterator[Disagreement]:
    """Compare each replica's own count with its own rows of the audit log."""
    if found is None or not found.told_apart:
        return
    for one in found.replicas:
        left, right = f"own count of replica {one.replica}", f"audit log of replica {one.replica}"
        yield from _compare(left, one.client, right, one.audit)


def _did(
    record: TrialRecord, freshness: pd.DataFrame | None, bystander: pd.DataFrame | None
) -> Mapping[str, int]:
    """Return, by identity, the good requests in the window that the others' own rows tell of."""
    did = {"churn": int(record.churn_achieved_per_s * record.window_s) - CHURN_SLACK}
    if freshness is not None:
        did["probe"] = len(freshness)
    if bystander is not None:
        did["bystander"] = int((bystander["outcome"] == "ok").sum())
    return did


def _shortfalls(rows: pd.DataFrame, did: Mapping[str, int]) -> Iterator[Shortfall]:
    """Yield the identities that the audit log holds less of; more may be outside the window."""
    good = rows[rows["code"] < 400]
    for identity, number in did.items():
        logged = len(_of_user(good, identity))
        if logged < number:
            yield Shortfall(identity, number, logged)
