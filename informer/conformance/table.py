"""The outcome of a conformance run as a table of differences, each with its reason."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from informer.conformance.findings import FAULTLESS, Findings
from informer.conformance.processes import CLIENT_GO, KUBE_INFORMER, OFFICIAL

COLUMNS = (CLIENT_GO, KUBE_INFORMER, OFFICIAL)

_UNCHANGED = (
    "After a relist, client-go tells handlers of every object again; this library tells of those "
    "whose uid or resourceVersion changed. Ask for a resync to be told of all."
)
_RELISTING = (
    "the version expires while the watch is cut",
    "410 as a status on each watch",
    "410 as an event on each watch",
    "each watch is refused with 400",
    "each watch ends at once",
)

REASONS: Mapping[tuple[str, str], str] = {
    **{(history, "updates without a change"): _UNCHANGED for history in _RELISTING},
    ("WatchList refused with 429", "stops"): (
        "client-go sits out its back-off before it notices the stop."
    ),
    ("WatchList is an ordinary watch", "synced"): (
        "client-go waits for the mark of the end until the server ends the watch; this library "
        "takes a bookmark without the mark for a server that does not know WatchList, and lists."
    ),
    ("WatchList is an ordinary watch", "cache"): "As above: client-go is not filled yet.",
    ("WatchList stays silent", "synced"): (
        "client-go waits until the server ends the watch, minutes later; this library lists after "
        "10 s of silence."
    ),
    ("WatchList stays silent", "cache"): "As above: client-go is not filled yet.",
    ("an event older than the object", "cache"): (
        "client-go stores what came last; this library keeps the newer of two versions of one "
        "object, so that a replayed event cannot take the cache back."
    ),
    ("an object that cannot be decoded, then a good one", "cache"): (
        "client-go's dynamic client stores an object without a name under an empty key; this "
        "library skips it, counts it and names it to the observer."
    ),
    ("the server goes back in time", "cache"): (
        "client-go watches on at a version that the server has not reached and hears nothing; "
        "this library asks for the server's version after a broken stream and lists anew."
    ),
}
"""Why this library differs from client-go on purpose, by history and aspect."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The findings on each subject in one history."""

    history: str
    findings: Mapping[str, Findings]


@dataclass(frozen=True, slots=True)
class Difference:
    """An aspect in which a subject is not faultless; "" for a subject that took no part."""

    history: str
    aspect: str
    values: Mapping[str, str]

    @property
    def is_ours(self) -> bool:
        """Whether this library differs from client-go."""
        return self.values[CLIENT_GO] != self.values[KUBE_INFORMER]

    @property
    def reason(self) -> str:
        """Why this library differs; "" if no reason is stated."""
        return REASONS.get((self.history, self.aspect), "")


def differences(outcomes: Sequence[Outcome]) -> Iterator[Difference]:
    """Yield the aspects in which not all subjects are faultless, in the order of the histories."""
    for outcome in outcomes:
        aspects = dict.fromkeys(key for shown in outcome.findings.values() for key in shown)
        for aspect in aspects:
            values = {name: outcome.findings.get(name, {}).get(aspect, "") for name in COLUMNS}
            all_shown = {shown[aspect] for shown in outcome.findings.values() if aspect in shown}
            if all_shown != {FAULTLESS[aspect]}:
                yield Difference(outcome.history, aspect, values)


def unexplained(outcomes: Sequence[Outcome]) -> list[Difference]:
    """Return the differences of this library from client-go without a stated reason."""
    return [item for item in differences(outcomes) if item.is_ours and not item.reason]


def markdown(outcomes: Sequence[Outcome]) -> str:
    """Return the document: the differences, then the histories without any."""
    items = list(differences(outcomes))
    rows = [
        f"| {item.history} | {item.aspect} | {' | '.join(item.values[name] for name in COLUMNS)} "
        f"| {item.reason or ('**not explained**' if item.is_ours else '')} |"
        for item in items
    ]
    differing = {item.history for item in items}
    alike = [item.history for item in outcomes if item.history not in differing]
    return "\n".join([*_HEAD, *rows, "", _ALIKE, "", *(f"- {name}" for name in alike), ""])


_HEAD = (
    "# Conformance with client-go",
    "",
    "The same histories, played to client-go v0.37.2, to this library and to the official Python",
    "client's informer. `make conformance` plays them again and writes this page. Each line is",
    "something that at least one of them did not show as it should; where this library differs",
    "from client-go, the last column says why. Where no line says otherwise, each filled its",
    "cache, held at the end what the server held (waited for up to 25 s), told its handlers the",
    "same and nothing twice, sent a bounded number of requests during a fault, and stopped within",
    "five seconds. An empty cell: it took no part, as the official informer in fills by WatchList,",
    "which it never asks for.",
    "",
    f"| history | | {' | '.join(COLUMNS)} | why this library differs |",
    "|---|---|---|---|---|---|",
)
_ALIKE = "Histories in which each showed all of it as it should:"
