"""The three ledgers of API requests, and whether they agree, key by key.

1. The client's: what the server under test counted itself.
2. The audit log: by user, or over all users.
3. The API server's own ``apiserver_request_total``.

The audit of a user stands against that server's count, the audit over all users
against the metric. Keys are (verb, resource, subresource, code) of resource
requests; codes 401, 403 and 405 are in the audit log and not in the metric, so
they are left out of the comparison on both sides.

Watches are compared as watches *opened* between the marks, for only that is
exact on all three sides. The metric counts a watch when it ends, so opened =
ended + growth of the open ones (``apiserver_longrunning_requests``); of the
audit rows, a watch that was received before the begin mark and ended after it
is not counted, one still open (stage ResponseStarted) is. The client counts
a watch when its response begins.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd

from bench.analysis.counters import Marks
from bench.model import NO_SERVER, TrialRecord

CLIENT_METRIC = "informer_bench_upstream_requests_total"
STARTED = "ResponseStarted"
"""Stage of an audit line of a request that goes on."""
SERVER_METRIC = "apiserver_request_total"
OPEN_WATCHES = "apiserver_longrunning_requests"

NOT_IN_METRIC = frozenset({401, 403, 405})
"""Codes that the audit log holds and ``apiserver_request_total`` does not (found on 1.37)."""

METRIC_VERBS = {"POST": "create", "PUT": "update", "APPLY": "patch"}
"""Verbs of the metric whose name in the audit log is not just the lower case."""

SHARED_IDENTITIES = {"direct-rv0": "direct"}
"""Servers that use another one's account, for records that name none."""


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
class Ledgers:
    """The counts of one trial; ``None`` where a ledger could not be read."""

    client: Count | None
    audit_user: Count | None
    audit_all: Count | None
    metric: Count | None
    missing: tuple[str, ...]
    """Which ledger is missing and why, in sentences."""
    disagreements: tuple[Disagreement, ...]

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


def identity_of(record: TrialRecord) -> str | None:
    """Return the account the trial's server used; ``None`` for the arm without a server."""
    server = record.trial.server
    if server == NO_SERVER:
        return None
    return record.identity or SHARED_IDENTITIES.get(server, server)


def read_ledgers(record: TrialRecord, audit: pd.DataFrame | None, marks: Marks | None) -> Ledgers:
    """Count one trial's API requests three ways and compare.

    ``audit`` is the trial's audit table and ``marks`` its scrapes, each ``None``
    when it was not recorded.
    """
    identity = identity_of(record)
    missing: list[str] = []
    client = None
    if identity is not None:
        client = _client_count(marks, missing)
    rows = _opened_rows(audit, record) if audit is not None else None
    if rows is None:
        missing.append("the audit log was not recorded")
    own = None
    if rows is not None and identity is not None:
        own = count_audit(rows[rows["user"].str.endswith(f":{identity}")])
    everyone = count_audit(rows) if rows is not None else None
    metric = _metric_count(marks, missing)
    watches_known = marks is not None and marks.difference("apiserver", OPEN_WATCHES, gauge=True)
    if metric is not None and not watches_known:
        missing.append(
            f"{OPEN_WATCHES} is not exposed, so watches are not compared with the metric"
        )
        metric = _without_watches(metric)
        everyone = None if everyone is None else _without_watches(everyone)
    disagreements = (
        *_compare("the server's own count", client, "audit log", own),
        *_compare("audit log of all users", everyone, SERVER_METRIC, metric),
    )
    return Ledgers(client, own, everyone, metric, tuple(missing), disagreements)


def count_audit(rows: pd.DataFrame) -> Count:
    """Count audit rows of resource requests by key."""
    rows = rows[rows["resource"] != ""]
    columns = (rows[name].tolist() for name in Key._fields)
    return Counter(Key(*values) for values in zip(*columns, strict=True))


def _opened_rows(audit: pd.DataFrame, record: TrialRecord) -> pd.DataFrame:
    """Drop the watches that were opened before the begin mark and merely ended after it.

    The line of a watch's start is behind the begin mark only if it was opened there.
    """
    begin_s = record.begin_mark_epoch_s or record.window_begin_epoch_s
    opened = (audit["stage"] == STARTED) | (audit["received_us"] >= begin_s * 1e6)
    return audit[(audit["verb"] != "watch") | opened]


def _client_count(marks: Marks | None, missing: list[str]) -> Count | None:
    difference = marks.difference("server", CLIENT_METRIC) if marks else None
    if difference is None:
        missing.append(f"the server's own count ({CLIENT_METRIC}) was not scraped at both marks")
        return None
    if difference.reset:
        missing.append("the server restarted between the marks, its own count began anew")
        return None
    return _counted(
        (
            labels.get("verb", "").lower(),
            labels.get("resource", ""),
            labels.get("subresource", ""),
            labels.get("code", "0"),
            value,
        )
        for labels, value in ((series.labels, series.value) for series in difference.series)
    )


def _metric_count(marks: Marks | None, missing: list[str]) -> Count | None:
    ended = marks.difference("apiserver", SERVER_METRIC) if marks else None
    still_open = marks.difference("apiserver", OPEN_WATCHES, gauge=True) if marks else None
    if ended is None:
        missing.append(f"{SERVER_METRIC} was not scraped at both marks")
        return None
    if ended.reset:
        missing.append("the API server restarted between the marks, its counters began anew")
        return None
    rows = [
        (
            METRIC_VERBS.get(labels["verb"], labels["verb"].lower()),
            labels.get("resource", ""),
            labels.get("subresource", ""),
            labels.get("code", "0"),
            value,
        )
        for labels, value in ((series.labels, series.value) for series in ended.series)
    ]
    for series in still_open.series if still_open else ():
        if series.labels.get("verb") == "WATCH":
            # A watch that was opened was answered 200, whatever events it carries later.
            resource = series.labels.get("resource", "")
            subresource = series.labels.get("subresource", "")
            rows.append(("watch", resource, subresource, "200", series.value))
    return _counted(rows)


def _without_watches(count: Count) -> Count:
    return Counter({key: number for key, number in count.items() if key.verb != "watch"})


def _counted(rows: Iterable[tuple[str, str, str, str, float]]) -> Count:
    count: Count = Counter()
    for verb, resource, subresource, code, value in rows:
        if resource:
            number = int(code) if code.isdigit() else 0
            count[Key(verb, resource, subresource, number)] += round(value)
    return Counter({key: number for key, number in count.items() if number})


def _compare(
    left: str, left_count: Count | None, right: str, right_count: Count | None
) -> list[Disagreement]:
    if left_count is None or right_count is None:
        return []
    keys = sorted(key for key in {*left_count, *right_count} if key.code not in NOT_IN_METRIC)
    return [
        Disagreement(key, left, left_count[key], right, right_count[key])
        for key in keys
        if left_count[key] != right_count[key]
    ]
