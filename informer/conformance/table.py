"""The outcome of a conformance run as a table of differences, each with its reason."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from informer.conformance.findings import AS_IT_SHOULD_BE, Findings
from informer.conformance.processes import CLIENT_GO, KUBE_INFORMER, OFFICIAL
from informer.conformance.reasons import REASONS

COLUMNS = (CLIENT_GO, KUBE_INFORMER, OFFICIAL)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What each subject showed in one history."""

    history: str
    found: Mapping[str, Findings]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a subject did not show as it should; "" where one did not take part."""

    history: str
    thing: str
    values: Mapping[str, str]

    @property
    def is_ours(self) -> bool:
        """Whether this library differs from client-go."""
        return self.values[CLIENT_GO] != self.values[KUBE_INFORMER]

    @property
    def reason(self) -> str:
        """Why this library differs; "" where no reason is stated."""
        return REASONS.get((self.history, self.thing), "")


def differences(outcomes: Sequence[Outcome]) -> Iterator[Difference]:
    """Yield what not all subjects showed as they should, in the order of the histories."""
    for outcome in outcomes:
        things = dict.fromkeys(thing for found in outcome.found.values() for thing in found)
        for thing in things:
            values = {name: outcome.found.get(name, {}).get(thing, "") for name in COLUMNS}
            shown = {found[thing] for found in outcome.found.values() if thing in found}
            if shown != {AS_IT_SHOULD_BE[thing]}:
                yield Difference(outcome.history, thing, values)


def unexplained(outcomes: Sequence[Outcome]) -> list[Difference]:
    """Return where this library differs from client-go without a stated reason."""
    return [one for one in differences(outcomes) if one.is_ours and not one.reason]


def markdown(outcomes: Sequence[Outcome]) -> str:
    """Return the document: what is not as it should be, then the histories in which all is."""
    found = list(differences(outcomes))
    rows = [
        f"| {one.history} | {one.thing} | {' | '.join(one.values[name] for name in COLUMNS)} "
        f"| {one.reason or ('**not explained**' if one.is_ours else '')} |"
        for one in found
    ]
    differing = {one.history for one in found}
    alike = [one.history for one in outcomes if one.history not in differing]
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
