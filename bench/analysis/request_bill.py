"""Requests of one arm by kind: verb, resource, scope, form of resourceVersion and code.

There are two phases: ``start``, until a client is ready, and ``window``. Every request of the
account counts, including discovery; a watch counts where it was opened.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import parse_qsl

import pandas as pd

from bench.analysis.faults import AFTER_S
from bench.analysis.requests import countable, within_window
from bench.model import FaultRecord, TrialRecord

BILL_COLUMNS = (
    *("user", "verb", "resource", "subresource", "namespace", "name", "code", "uri"),
    *("stage", "received_us"),
)
"""Columns of the audit table that a bill uses."""
VERSIONS = ("unset", "0", "number", "exact", "initial events", "continue")
"""Forms that ``version_of`` returns; ``, limit N`` follows if the read is in pages."""
READS = frozenset({"get", "list", "watch"})


class Phase(StrEnum):
    """When a request was sent."""

    START = "start"
    WINDOW = "window"


class Kind(NamedTuple):
    """The key that a bill counts requests by."""

    phase: Phase
    verb: str
    resource: str
    """With subresource and group as in RBAC, ``deployments.apps/status``; a path if no resource."""
    scope: str
    """cluster, namespace or resource, as in the API server's own metrics."""
    version: str
    """Of a read: whether resourceVersion is ``unset``, ``0``, or a number; and its page limit."""
    code: int


@dataclass(frozen=True, slots=True)
class RequestLine:
    """Requests of one kind by one arm; ``rounds`` maps each round to the number of requests."""

    phase: Phase
    verb: str
    resource: str
    scope: str
    version: str
    code: int
    rounds: dict[int, int]
    """Rounds in which the phase was billed."""

    @property
    def kind(self) -> Kind:
        """The kind of these requests, which does not name the arm."""
        return Kind(self.phase, self.verb, self.resource, self.scope, self.version, self.code)

    @property
    def mean(self) -> float:
        """The mean over the rounds."""
        return sum(self.rounds.values()) / len(self.rounds)


@dataclass(frozen=True, slots=True)
class Recovery:
    """An account's requests once the API server was available again."""

    requests: int
    """In the first ``AFTER_S`` seconds; after a restart they begin at the process's start."""
    quiet_s: float | None
    """From then to the last request before the quiet; ``None``: not quiet within the window."""


def kinds_of(
    identity: str, record: TrialRecord, audit: pd.DataFrame, start: pd.DataFrame | None
) -> Counter[Kind]:
    """Count the requests of the account ``identity`` by kind."""
    counts: Counter[Kind] = Counter()
    for phase, rows in ((Phase.START, start), (Phase.WINDOW, audit)):
        if rows is None:
            continue
        sent = of_account(rows, identity)
        if phase is Phase.WINDOW:
            sent = countable(within_window(sent, record) if record.is_client else sent, record)
        columns = (sent[name].tolist() for name in BILL_COLUMNS[1:8])
        for request, number in Counter(zip(*columns, strict=True)).items():
            verb, resource, subresource, namespace, name, code, uri = request
            scope = "resource" if name else "namespace" if namespace else "cluster"
            full_name = named(resource, subresource, uri)
            version = version_of(uri) if verb in READS and resource else ""
            kind = Kind(phase, verb, full_name, scope if resource else "", version, int(code))
            counts[kind] += number
    return counts


def of_account(rows: pd.DataFrame, identity: str) -> pd.DataFrame:
    """Return the audit rows of one account."""
    return rows[rows["user"].str.endswith(f":{identity}")]


def named(resource: str, subresource: str, uri: str) -> str:
    """Return a resource as RBAC writes it, or the path if it is no resource."""
    path = uri.partition("?")[0]
    parts = path.split("/")
    if not resource:
        return path
    group = parts[2] if parts[1] == "apis" else ""
    return f"{resource}{f'.{group}' if group else ''}{f'/{subresource}' if subresource else ''}"


def version_of(uri: str) -> str:
    """Return the form of a read's resourceVersion, and its limit if it is in pages."""
    asked = dict(parse_qsl(uri.partition("?")[2]))
    version = asked.get("resourceVersion", "")
    form = "unset" if not version else "0" if version == "0" else "number"
    if asked.get("resourceVersionMatch") == "Exact":
        form = "exact"
    if asked.get("sendInitialEvents") == "true":
        form = "initial events"
    if "continue" in asked:
        form = "continue"
    return f"{form}, limit {asked['limit']}" if asked.get("limit", "0") != "0" else form


def request_lines(
    rounds: Mapping[int, Mapping[Kind, int]], billed: Mapping[Phase, Collection[int]]
) -> tuple[RequestLine, ...]:
    """Return an arm's lines, in each phase the most frequent first.

    ``rounds`` by their number; ``billed``: rounds that have a phase, with or without requests.
    """
    total: Counter[Kind] = Counter()
    for counted in rounds.values():
        total.update(counted)
    ordered = sorted(total, key=lambda kind: (kind.phase, -total[kind], kind))
    return tuple(
        RequestLine(*kind, {number: rounds[number].get(kind, 0) for number in billed[kind.phase]})
        for kind in ordered
    )


def recovery_of(
    record: TrialRecord, fault: FaultRecord, audit: pd.DataFrame, identity: str, quiet_s: float
) -> Recovery:
    """Count the account's requests after ``fault``; none for ``quiet_s`` means quiet."""
    since_s = fault.end_s if fault.started_anew_s is None else fault.started_anew_s
    sent = of_account(audit, identity)
    sent = sent[sent["resource"] != "leases"]
    at_s = sorted(sent["received_us"] / 1e6 - record.window_begin_epoch_s)
    after = [moment - since_s for moment in at_s if moment >= since_s]
    return Recovery(
        sum(moment <= AFTER_S for moment in after),
        _quiet_from(after, quiet_s, record.window_s - since_s),
    )


def _quiet_from(after: Sequence[float], quiet_s: float, until_s: float) -> float | None:
    last = 0.0
    for moment in [*after, until_s]:
        if moment - last >= quiet_s:
            return last
        last = moment
    return None
