"""Requests of one arm by kind: verb, resource, scope, form of resourceVersion and code.

Two phases are told apart: ``start``, until a client is ready, and ``window``. Every request of
the account counts, discovery among them; a watch counts where it was opened.
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
"""Of the audit table, what a bill is made from."""
VERSIONS = ("unset", "0", "number", "exact", "initial events", "continue")
"""What ``version_of`` says; ``, limit N`` follows where it is in pages."""
READS = frozenset({"get", "list", "watch"})


class Phase(StrEnum):
    """When something was asked."""

    START = "start"
    WINDOW = "window"


class Kind(NamedTuple):
    """What requests of a bill are told apart by."""

    phase: Phase
    verb: str
    resource: str
    """With its subresource and group, as RBAC writes it: ``deployments.apps/status``. The path,
    where it is no resource."""
    scope: str
    """cluster, namespace or resource, as the API server's own metrics have it."""
    version: str
    """Of a read: whether resourceVersion is ``unset``, ``0``, or a number; and what pages it."""
    code: int


@dataclass(frozen=True, slots=True)
class RequestLine:
    """Requests of one kind by one arm; ``rounds`` maps each of its rounds to their number."""

    phase: Phase
    verb: str
    resource: str
    scope: str
    version: str
    code: int
    rounds: dict[int, int]
    """Those in which the phase was billed."""

    @property
    def kind(self) -> Kind:
        """What was asked, of whichever arm."""
        return Kind(self.phase, self.verb, self.resource, self.scope, self.version, self.code)

    @property
    def mean(self) -> float:
        """The mean over the rounds."""
        return sum(self.rounds.values()) / len(self.rounds)


@dataclass(frozen=True, slots=True)
class Recovery:
    """What an account asked once the API server was itself again."""

    requests: int
    """In the first ``AFTER_S`` seconds; after a restart from the start of the process on."""
    quiet_s: float | None
    """From then to the last request before it was quiet; ``None``: not within the window."""


def kinds_of(
    identity: str, record: TrialRecord, audit: pd.DataFrame, start: pd.DataFrame | None
) -> Counter[Kind]:
    """Count the requests of the account ``identity`` by kind."""
    found: Counter[Kind] = Counter()
    for phase, rows in ((Phase.START, start), (Phase.WINDOW, audit)):
        if rows is None:
            continue
        own = of_account(rows, identity)
        if phase is Phase.WINDOW:
            own = countable(within_window(own, record) if record.is_client else own, record)
        columns = (own[name].tolist() for name in BILL_COLUMNS[1:8])
        for asked, number in Counter(zip(*columns, strict=True)).items():
            verb, resource, subresource, namespace, name, code, uri = asked
            scope = "resource" if name else "namespace" if namespace else "cluster"
            what = named(resource, subresource, uri)
            version = version_of(uri) if verb in READS and resource else ""
            kind = Kind(phase, verb, what, scope if resource else "", version, int(code))
            found[kind] += number
    return found


def of_account(rows: pd.DataFrame, identity: str) -> pd.DataFrame:
    """Return the audit rows of one account."""
    return rows[rows["user"].str.endswith(f":{identity}")]


def named(resource: str, subresource: str, uri: str) -> str:
    """Return a resource as RBAC writes it, or the path of what is none."""
    path = uri.partition("?")[0]
    parts = path.split("/")
    if not resource:
        return path
    group = parts[2] if parts[1] == "apis" else ""
    return f"{resource}{f'.{group}' if group else ''}{f'/{subresource}' if subresource else ''}"


def version_of(uri: str) -> str:
    """Say which state a read asks for, and whether in pages."""
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
    """Return an arm's lines, of each phase the most frequent first.

    ``rounds`` by their number; ``billed`` are those in which a phase was, with requests or without.
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
    """Tell what the account asked after ``fault``; quiet is who asks nothing for ``quiet_s``."""
    since_s = fault.end_s if fault.started_anew_s is None else fault.started_anew_s
    own = of_account(audit, identity)
    own = own[own["resource"] != "leases"]
    at_s = sorted(own["received_us"] / 1e6 - record.window_begin_epoch_s)
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
