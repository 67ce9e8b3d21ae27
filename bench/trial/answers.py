"""Judge every answer of a window by the pods that the cluster held meanwhile. Pure.

Parsing a body costs the load generator ten times as much as reading it, so few are parsed; the
size of each is known anyway. After the window, with churn stopped and the server's answer equal
to a LIST, its answer for all pods gives the size of each pod, and thus of the right answer to
every question; the churn writer gives the largest number of missing pods.
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
"""Tolerance as a share of a size: versions and counts in a pod have a digit more or less."""
CHANGED_NEAR = 0.02
"""Share of a pod's size by which a write, or the pod that replaces it, may change it (of 100
pods after 800 writes: by less than 0.001). A pod without a status yet counts as missing."""
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
    """Bytes of each pod in a server's answers, and of the envelope around them."""

    sizes: Mapping[Name, int]
    around: int

    @classmethod
    def of(cls, body: bytes) -> "PodSizes":
        """Return the sizes in an answer for all pods; raises ``msgspec.DecodeError``."""
        pods = msgspec.json.decode(body, type=_Envelope).result
        named = [(msgspec.json.decode(pod, type=_Pod).metadata, len(bytes(pod))) for pod in pods]
        sizes = {(pod.namespace, pod.name): size for pod, size in named}
        return cls(sizes, len(body) - sum(sizes.values()) - max(0, len(pods) - 1))

    def answer(self, pods: AbstractSet[Name], *, is_single: bool = False) -> "Expected":
        """Return the right answer with ``pods``; ``is_single``: a pod in place of a list."""
        sizes = [size for name, size in self.sizes.items() if name in pods]
        return Expected(
            entries=len(sizes),
            size=sum(sizes) + max(0, len(sizes) - 1) + self.around - 2 * is_single,
            single=self.around + min(sizes, default=0),
            largest=max(sizes, default=0),
            lasting=is_single,
        )


@dataclass(frozen=True, slots=True)
class Expected:
    """The right answer to one question after the window."""

    entries: int
    size: int
    """Bytes of the body."""
    single: int
    """Bytes of a body with its smallest pod alone: churn never removes all pods of a question."""
    largest: int
    """Bytes of the largest pod in it."""
    lasting: bool
    """Whether it is a single pod, which churn leaves in place."""


def expected_answers(
    asks: Iterable[Ask], pods: PodSizes, matching: Callable[[str], AbstractSet[Name]]
) -> dict[int, Expected]:
    """Return the right answer to each of ``asks``, by its index.

    ``matching`` returns the names that a path with a query selects.
    """
    expected = {}
    for index, ask in enumerate(asks):
        path, _, query = ask.path.partition("?")
        scope = tuple(path.split("/")[2:])  # /pods[/namespace[/name]]
        names = {name for name in pods.sizes if name[: len(scope)] == scope}
        if query:
            names &= matching(ask.path)
        expected[index] = pods.answer(names, is_single=len(scope) == 2)
    return expected


@dataclass(frozen=True, slots=True)
class WindowChanges:
    """Changes of the cluster during a window, by which its right answers may differ."""

    missing: int
    """Largest number of pods that were missing: deleted, or not yet created."""
    changed: int
    """Number of writes to pods."""

    @classmethod
    def during(cls, reports: Sequence[ChurnReport]) -> "WindowChanges":
        """Return the changes in several ``reports``.

        A write that failed, or was in flight, may have been carried out.
        """
        span = max(report.most for report in reports) - min(report.fewest for report in reports)
        unsure = sum(report.failed + report.in_flight for report in reports)
        return cls(span + unsure, sum(report.written for report in reports) + unsure)

    def entries(self, expected: Expected) -> tuple[int, int]:
        """Return the fewest and the most pods of a right answer."""
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
    requests: pd.DataFrame,
    expected: Mapping[int, Expected],
    changes: WindowChanges,
    *,
    read: int,
    wrong: int,
) -> tuple[AnswerCheck, list[str]]:
    """Judge the good answers among ``requests``; return the counts and texts of the first wrong.

    ``expected`` is by question; answers to other questions are not judged. ``read`` and
    ``wrong`` count the bodies that were read in full and those that were no answers at all.
    """
    bounds = pd.DataFrame(
        [(*changes.entries(answer), *changes.sizes(answer)) for answer in expected.values()],
        index=pd.Index(expected.keys(), dtype="int64"),
        columns=["fewest", "most", "least", "greatest"],
    )
    ok = requests[requests["outcome"] == "ok"]
    judged = ok.join(bounds, on="ask", how="inner")
    sized = judged["bytes"].between(judged["least"], judged["greatest"])
    counted = judged["entries"].isna() | judged["entries"].between(judged["fewest"], judged["most"])
    misfits = judged[~(sized & counted)]
    check = AnswerCheck(
        judged=len(judged) + wrong,
        wrong=len(misfits) + wrong,
        read=read,
        wrong_when_read=int((~counted).sum()) + wrong,
        unjudged=len(ok) - len(judged),
    )
    return check, [_misfit_text(row) for row in misfits.head(SHOWN).to_dict("records")]


def _misfit_text(row: Mapping[Hashable, Any]) -> str:
    pods = "" if pd.isna(row["entries"]) else f"{row['entries']:,.0f} pods in "
    return (
        f"{row['route']} at second {row['done_us'] / 1e6:.2f}: {pods}{row['bytes']:,} bytes, where "
        f"{row['fewest']:,} to {row['most']:,} pods make {row['least']:,.0f} to "
        f"{row['greatest']:,.0f} bytes"
    )


def answer_caveats(
    check: AnswerCheck, first: Sequence[str], failures: Sequence[str]
) -> Iterator[tuple[CaveatKind, str]]:
    """Yield caveats for wrong answers, and for answers that could not be judged."""
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
