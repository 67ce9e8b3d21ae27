"""Differences of Prometheus series between the two marks of a trial.

Subtracts two scrapes: exact, without the extrapolation of PromQL's ``increase``. Reports a
restart between the marks. A version that lacks a counter has no figure for it, rather than 0.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import pandas as pd

from bench.metrics.metric import Counter, Reading
from bench.metrics.registry import RESTART_COUNTER

_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Series:
    """One labelled series: its growth between the marks, or its value at one of them."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Difference:
    """The growth of a metric. After a ``reset`` it covers only the time since."""

    series: tuple[Series, ...]
    reset: bool


class Marks:
    """The two scrapes of a trial, ready to be subtracted."""

    def __init__(self, scrapes: pd.DataFrame) -> None:
        """Take the ``scrapes`` table: columns mark, source, name, labels, value."""
        columns = (scrapes[name].tolist() for name in ("source", "mark", "name", "labels", "value"))
        # A scrape has thousands of series of which a few are used: only those are unpacked.
        self._rows: dict[tuple[str, str], list[tuple[str, str, float]]] = {}
        self._marks: set[tuple[str, str]] = set()
        for source, mark, name, labels, value in zip(*columns, strict=True):
            self._rows.setdefault((source, name), []).append((mark, labels, value))
            self._marks.add((source, mark))

    def has(self, source: str) -> bool:
        """Tell whether ``source`` was scraped at both marks."""
        return {(source, "begin"), (source, "end")} <= self._marks

    def exposes(self, source: str, name: str) -> bool:
        """Tell whether ``source`` has a series called ``name`` at one of the marks."""
        return (source, name) in self._rows

    def difference(self, source: str, name: str, *, gauge: bool = False) -> Difference | None:
        """Subtract ``name`` at the begin mark from ``name`` at the end mark.

        A series that is missing at the begin mark counts from 0. ``None``, not 0, if the source was
        not scraped at both marks or does not expose the metric. A ``gauge`` may fall, never reset.
        """
        if not self.exposes(source, name) or not self.has(source):
            return None
        restarted = self.restarted(source)
        series, reset = [], restarted
        for labels, marks in self._values(source, name).items():
            begin, end = marks.get("begin", 0.0), marks.get("end")
            fell = end is None or end < begin
            if not gauge and (restarted or fell):
                reset, begin = True, 0.0
            series.append(Series(parse_labels(labels), (end or 0.0) - begin))
        return Difference(tuple(series), reset)

    def at(self, source: str, name: str, mark: str) -> tuple[Series, ...] | None:
        """Return the value of each series of ``name`` at ``mark``; ``None``: not scraped there."""
        if (source, mark) not in self._marks:
            return None
        return tuple(
            Series(parse_labels(labels), marks[mark])
            for labels, marks in self._values(source, name).items()
            if mark in marks
        )

    def restarted(self, source: str) -> bool:
        """Tell whether the process behind ``source`` restarted between the marks."""
        # One second: the start time is computed from clock ticks and may differ in its last digits.
        return any(
            max(marks.values()) - min(marks.values()) > 1.0
            for marks in self._values(source, RESTART_COUNTER).values()
        )

    def _values(self, source: str, name: str) -> dict[str, dict[str, float]]:
        """Return labels -> mark -> value."""
        by_labels: dict[str, dict[str, float]] = {}
        for mark, labels, value in self._rows.get((source, name), ()):
            by_labels.setdefault(labels, {})[mark] = value
        return by_labels

    def grew(self, counter: Counter) -> float | None:
        """Return the growth of ``counter``; ``None``: not exposed, not scraped, or reset."""
        if not self.has(counter.scraped) or self.restarted(counter.scraped):
            return None
        for reading in counter.readings:
            if self._applies(counter.scraped, reading):
                return self._sum(counter.scraped, reading)
        return None

    def offers(self, counter: Counter) -> bool:
        """Tell whether the source's version has ``counter`` under one of its names."""
        return any(self._applies(counter.scraped, reading) for reading in counter.readings)

    def _applies(self, source: str, reading: Reading) -> bool:
        if reading.label is not None:
            grown = self.difference(source, reading.names[0])
            return grown is not None and any(
                reading.label in series.labels for series in grown.series
            )
        needed = (reading.witness,) if reading.witness else reading.names
        return all(self.exposes(source, name) for name in needed)

    def _sum(self, source: str, reading: Reading) -> float | None:
        total = 0.0
        for name in reading.names:
            grown = self.difference(source, name)
            if grown is None:
                continue  # the witness is exposed, so this counter has had no event yet
            if grown.reset:
                return None
            total += sum(series.value for series in grown.series if _counts(reading, series.labels))
        return total


def _counts(reading: Reading, labels: Mapping[str, str]) -> bool:
    if reading.value is not None and labels.get(reading.label or "") != reading.value:
        return False
    if reading.unless is not None and labels.get(reading.unless[0]) == reading.unless[1]:
        return False
    return not reading.of_pods or (
        # the label of 1.37, or that of the watch cache's own metric in earlier versions
        labels.get("resource") == "pods" or labels.get("resource_prefix", "").strip("/") == "pods"
    )


@cache
def parse_labels(text: str) -> Mapping[str, str]:
    """Parse ``k="v",...`` as the exposition format escapes it."""
    return {
        key: _ESCAPE.sub(lambda match: {"n": "\n"}.get(match[1], match[1]), value)
        for key, value in _LABEL.findall(text)
    }
