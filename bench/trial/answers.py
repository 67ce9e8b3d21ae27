"""Judge every answer of a window by what the cluster held meanwhile. Pure.

A body that is read in full tells whether it is right, and costs the load generator ten times
its reading, so that few are. The size of each is there anyway. After the window, with churn
stopped and the server found to answer as a LIST does, its answer for all pods says how large
each pod is, and so what every other question's answer should be; the churn writer says how
many pods were missing at most.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import msgspec
import pandas as pd

from bench.cluster.churn import ChurnReport
from bench.load.routes import Ask
from bench.model import AnswerCheck, CaveatKind

NEAR = 0.005
"""Of a size, whatever was written: versions and counts in a pod have a digit more or less."""
CHANGED_NEAR = 0.02
"""Of a pod's size: by so much a write, or the pod that takes its place, may change it (of 100
pods after 800 writes: by less than 0.001). One without a status yet counts as one missing."""
SHOWN = 3

Name = tuple[str, str]
"""Namespace and name of a pod."""


class _Metadata(msgspec.Struct):
    name: str
    namespace: str


class _Pod(msgspec.Struct):
    metadata: _Metadata


class _Envelope(msgspec.Struct):
    result: list[msgspec.Raw]


@dataclass(frozen=True, slots=True)
class PodSizes:
    """How large each pod is in a server's answers, and what is around them."""

    sizes: Mapping[Name, int]
    around: int

    @classmethod
    def of(cls, body: bytes) -> "PodSizes":
        """Read them from an answer for all pods; raises ``msgspec.DecodeError``."""
        pods = msgspec.json.decode(body, type=_Envelope).result
        named = [(msgspec.json.decode(pod, type=_Pod).metadata, len(bytes(pod))) for pod in pods]
        sizes = {(one.namespace, one.name): size for one, size in named}
        return cls(sizes, len(body) - sum(sizes.values()) - max(0, len(pods) - 1))

    def answer(self, pods: AbstractSet[Name], *, one: bool = False) -> "Expected":
        """Return what an answer with these ``pods`` is; ``one``: with a pod in place of a list."""
        sizes = [size for name, size in self.sizes.items() if name in pods]
        return Expected(
            entries=len(sizes),
            size=sum(sizes) + max(0, len(sizes) - 1) + self.around - 2 * one,
            single=self.around + min(sizes, default=0),
            largest=max(sizes, default=0),
            lasting=one,
        )


@dataclass(frozen=True, slots=True)
class Expected:
    """The right answer to one question after the window."""

    entries: int
    size: int
    """Bytes of the body."""
    single: int
    """Bytes of a body with the smallest of its pods alone: what is asked for is never all gone."""
    largest: int
    """Bytes of the largest pod in it."""
    lasting: bool
    """Whether it is a pod that churn leaves in place."""


def expected_answers(
    asks: Iterable[Ask], pods: PodSizes, matching: Callable[[str], AbstractSet[Name]]
) -> dict[int, Expected]:
    """Return the right answer to each of ``asks``, by its place among them.

    ``matching`` lists what a path with a query selects.
    """
    found = {}
    for place, ask in enumerate(asks):
        path, _, query = ask.path.partition("?")
        scope = tuple(path.split("/")[2:])  # /pods[/namespace[/name]]
        names = {name for name in pods.sizes if name[: len(scope)] == scope}
        if query:
            names &= matching(ask.path)
        found[place] = pods.answer(names, one=len(scope) == 2)
    return found


@dataclass(frozen=True, slots=True)
class Held:
    """What may have differed in the cluster while the answers of a window were made."""

    missing: int
    """Pods that may have been there no more, or not yet, at most."""
    changed: int
    """Writes to pods."""

    @classmethod
    def during(cls, reports: Sequence[ChurnReport]) -> "Held":
        """Return it for the time of several ``reports``; failed writes may have been done."""
        span = max(one.most for one in reports) - min(one.fewest for one in reports)
        failed = sum(one.failed for one in reports)
        return cls(span + failed, sum(one.written for one in reports) + failed)

    def entries(self, expected: Expected) -> tuple[int, int]:
        """Return the fewest and the most pods that a right answer held."""
        spare = 0 if expected.lasting else self.missing
        return max(min(1, expected.entries), expected.entries - spare), expected.entries + spare

    def sizes(self, expected: Expected) -> tuple[float, float]:
        """Return the least and the greatest size of a right answer, in bytes."""
        changed = min(1.0, self.changed / max(1, expected.entries))
        near = expected.size * (NEAR + CHANGED_NEAR * changed)
        spare = 0 if expected.lasting else self.missing * expected.largest
        least = max(expected.size - spare - near, expected.single * (1 - NEAR - CHANGED_NEAR))
        return least, expected.size + spare + near


def judge(
    requests: pd.DataFrame, expected: Mapping[int, Expected], held: Held, *, read: int, wrong: int
) -> tuple[AnswerCheck, list[str]]:
    """Judge the good answers among ``requests``; return the count and the first wrong, in words.

    ``expected`` is by question; answers to one that is not there are not judged. ``read`` and
    ``wrong`` count the bodies that were read in full and those that were no answers at all.
    """
    bounds = pd.DataFrame(
        [(*held.entries(one), *held.sizes(one)) for one in expected.values()],
        index=pd.Index(expected.keys(), dtype="int64"),
        columns=["fewest", "most", "least", "greatest"],
    )
    ok = requests[requests["outcome"] == "ok"]
    known = ok.join(bounds, on="ask", how="inner")
    sized = known["bytes"].between(known["least"], known["greatest"])
    counted = known["entries"].isna() | known["entries"].between(known["fewest"], known["most"])
    misfits = known[~(sized & counted)]
    check = AnswerCheck(
        judged=len(known) + wrong,
        wrong=len(misfits) + wrong,
        read=read,
        wrong_when_read=int((~counted).sum()) + wrong,
        unjudged=len(ok) - len(known),
    )
    return check, [_told(row) for row in misfits.head(SHOWN).to_dict("records")]


def _told(row: Mapping[Hashable, Any]) -> str:
    pods = "" if pd.isna(row["entries"]) else f"{row['entries']:,.0f} pods in "
    return (
        f"{row['route']} at second {row['done_us'] / 1e6:.2f}: {pods}{row['bytes']:,} bytes, where "
        f"{row['fewest']:,} to {row['most']:,} pods make {row['least']:,.0f} to "
        f"{row['greatest']:,.0f} bytes"
    )


def answer_caveats(
    check: AnswerCheck, first: Sequence[str], failures: Sequence[str]
) -> Iterator[tuple[CaveatKind, str]]:
    """Tell which answers were wrong, and which could not be judged."""
    if check.wrong:
        shown = "; ".join([*first, *(text for text in failures if "implausible" in text)][:SHOWN])
        text = (
            f"{check.wrong:,} of {check.judged:,} answers of the window were wrong by their size "
            f"or, of the {check.read} that were read in full, by their content: {shown}"
        )
        yield CaveatKind.WRONG_ANSWERS, text
    if check.unjudged:
        text = (
            f"{check.unjudged:,} answers of the window were to questions whose right answer is "
            "not known: their sizes were not judged"
        )
        yield CaveatKind.ANSWERS_UNCHECKED, text
