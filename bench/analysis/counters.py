"""Differences of Prometheus series between the two marks of a trial.

Two scrapes of our own, subtracted: exact, without the extrapolation that
PromQL's ``increase`` does. A restart between the marks is noticed and said.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")
_START_TIME = "process_start_time_seconds"


@dataclass(frozen=True, slots=True)
class Series:
    """One labelled series and by how much it grew between the marks."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Difference:
    """What a metric grew by. After a ``reset`` it is only what was counted since."""

    series: tuple[Series, ...]
    reset: bool

    @property
    def total(self) -> float:
        """Sum over all series."""
        return sum(series.value for series in self.series)


class Marks:
    """The two scrapes of a trial, ready to be subtracted."""

    def __init__(self, scrapes: pd.DataFrame) -> None:
        """Take the ``scrapes`` table: columns mark, source, name, labels, value."""
        self._values: dict[tuple[str, str], dict[str, dict[str, float]]] = {}
        self._marks: dict[str, set[str]] = {}
        columns = (scrapes[name].tolist() for name in ("mark", "source", "name", "labels", "value"))
        for mark, source, name, labels, value in zip(*columns, strict=True):
            self._marks.setdefault(source, set()).add(mark)
            self._values.setdefault((source, name), {}).setdefault(labels, {})[mark] = value

    def has(self, source: str) -> bool:
        """Tell whether ``source`` was scraped at both marks."""
        return self._marks.get(source, set()) >= {"begin", "end"}

    def difference(self, source: str, name: str, *, gauge: bool = False) -> Difference | None:
        """Subtract ``name`` at the begin mark from ``name`` at the end mark.

        A series that was not there at the begin counts from 0. ``None`` when the
        source was not scraped at both marks or does not expose the metric at all,
        which is not the same as 0. Only a counter can be reset; a ``gauge`` may fall.
        """
        found = self._values.get((source, name))
        if found is None or not self.has(source):
            return None
        restarted = self.restarted(source)
        series, reset = [], restarted
        for labels, marks in found.items():
            begin, end = marks.get("begin", 0.0), marks.get("end")
            fell = end is None or end < begin
            if not gauge and (restarted or fell):
                reset, begin = True, 0.0
            series.append(Series(parse_labels(labels), (end or 0.0) - begin))
        return Difference(tuple(series), reset)

    def restarted(self, source: str) -> bool:
        """Tell whether the process behind ``source`` began anew between the marks."""
        starts = [
            value
            for marks in self._values.get((source, _START_TIME), {}).values()
            for value in marks.values()
        ]
        # One second: the start time is computed from clock ticks and may differ in its last digits.
        return bool(starts) and max(starts) - min(starts) > 1.0


def parse_labels(text: str) -> dict[str, str]:
    """Parse ``k="v",...`` as the exposition format escapes it."""
    return {
        key: _ESCAPE.sub(lambda match: {"n": "\n"}.get(match[1], match[1]), value)
        for key, value in _LABEL.findall(text)
    }
