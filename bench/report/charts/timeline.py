"""A trial second by second: latencies of reads, requests to the API server, and its CPU.

Requests are those of the audit log, CPU is that of the process's samples, and dots are reads.
Trials of one round share their scales.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.ledgers import identity_of
from bench.model import Outcome, TrialRecord
from bench.model.message import message
from bench.report.charts import Chart, Data, Head, Mark, Value
from bench.report.charts.axes import (
    WIDTH_IN,
    Margins,
    grid,
    heading,
    log_ticks,
    number_ticks,
    panels,
)
from bench.report.charts.palette import Palette
from bench.report.numbers import number
from bench.store import RunReader

BIN_S = 0.5
MOST_DOTS = 500
"""Most reads drawn as dots; of more, equally spaced ones are drawn, and the caption says so."""
ROW_IN, GAP_IN = 0.95, 0.34
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Story:
    """One trial's series; seconds from the window's begin."""

    record: TrialRecord
    bins_s: Floats
    """Begins of the bins."""
    own_requests: Floats
    """Requests of the server under test, per second."""
    others: Floats
    """Writes of everyone else, per second."""
    cpu_s: Floats
    cpu_ms_per_s: Floats
    read_s: Floats
    read_ms: Floats
    unanswered_s: Floats
    reads: int

    @property
    def arm(self) -> str:
        """The server under test."""
        return self.record.trial.server


def story_of(reader: RunReader, record: TrialRecord) -> Story | None:
    """Read a trial's series; ``None`` without its requests and its audit log."""
    trial, seconds = record.trial, record.window_s
    if seconds < 2 * BIN_S or not all(reader.has(trial, table) for table in ("requests", "audit")):
        return None
    edges = np.arange(0.0, seconds + BIN_S / 4, BIN_S)
    audit = reader.audit(trial)
    received_s = audit["received_us"].to_numpy(dtype=np.float64) / 1e6 - record.window_begin_epoch_s
    is_own = audit["user"].str.endswith(f":{identity_of(record)}").to_numpy(dtype=bool)
    writes = audit["verb"].isin(("create", "update", "patch", "delete")).to_numpy(dtype=bool)
    requests = reader.requests(trial)
    intended = requests["intended_us"].to_numpy(dtype=np.float64) / 1e6
    took = requests["done_us"].to_numpy(dtype=np.float64, na_value=np.nan) / 1e3 - intended * 1e3
    answered = (requests["outcome"] == "ok").to_numpy(dtype=bool)
    step = max(1, -(-int(answered.sum()) // MOST_DOTS))
    return Story(
        record,
        edges[:-1],
        np.histogram(received_s[is_own], edges)[0] / BIN_S,
        np.histogram(received_s[~is_own & writes], edges)[0] / BIN_S,
        *_cpu(reader, record),
        intended[answered][::step],
        np.maximum(took[answered][::step], 1e-3),
        intended[~answered],
        int(answered.sum()),
    )


def full_rounds(records: Iterable[TrialRecord]) -> list[list[TrialRecord]]:
    """Return the good trials of each round, of the rounds with the most of them, in order."""
    by_round: dict[int, list[TrialRecord]] = {}
    for record in records:
        if record.outcome is Outcome.OK:
            by_round.setdefault(record.trial.round, []).append(record)
    most = max(map(len, by_round.values()), default=0)
    return [trials for _, trials in sorted(by_round.items()) if len(trials) == most]


def _cpu(reader: RunReader, record: TrialRecord) -> tuple[Floats, Floats]:
    """Return the API server's CPU between samples: middles of intervals, and ms per second."""
    if not reader.has(record.trial, "samples"):
        return np.array([]), np.array([])
    samples = reader.samples(record.trial)
    apiserver = samples[samples["process"] == "apiserver"].sort_values("at_us")
    at_s = apiserver["at_us"].to_numpy(dtype=np.float64) / 1e6
    used = apiserver["cpu_s"].to_numpy(dtype=np.float64)
    long = np.diff(at_s) > 0
    middles = (at_s[1:] + at_s[:-1])[long] / 2
    rates = np.diff(used)[long] / np.diff(at_s)[long] * 1e3
    inside = (middles >= 0) & (middles <= record.window_s)
    return middles[inside], rates[inside]


@dataclass(frozen=True, slots=True)
class Scales:
    """Upper ends, and the range of latencies, that the trials of a round share."""

    requests: float
    cpu: float
    waits: tuple[float, float]


def scales_of(stories: Sequence[Story]) -> Scales:
    """Return the scales that show all of ``stories``."""
    waits = np.concatenate([story.read_ms for story in stories])
    low, high = (float(waits.min()), float(waits.max())) if len(waits) else (1.0, 1000.0)
    middle = (low * high) ** 0.5
    return Scales(
        max(float(np.max([*story.own_requests, *story.others, 1.0])) for story in stories),
        max(float(np.max([*story.cpu_ms_per_s, 1.0])) for story in stories),
        (min(low / 1.6, middle / 4), max(high * 3.0, middle * 4)),
    )


def timeline(head: Head, story: Story, scales: Scales, labels: Mapping[str, str]) -> Chart:
    """Return the chart of one trial: requests, CPU and waits."""
    rows = (
        *_series("server_requests_per_s", story.bins_s, story.own_requests),
        *_series("others_writes_per_s", story.bins_s, story.others),
        *_series("apiserver_cpu_ms_per_s", story.cpu_s, story.cpu_ms_per_s),
        *_series("read_latency_ms", story.read_s, story.read_ms),
        *_unanswered("unanswered", story),
    )
    drawn = partial(_draw_trial, story=story, scales=scales, labels=labels)
    return Chart(head, Data(("series", "s", "value"), rows), (WIDTH_IN, 4.1), drawn)


def _series(name: str, times: Floats, values: Floats) -> list[tuple[Value, ...]]:
    pairs = zip(times.tolist(), values.tolist(), strict=True)
    return [(name, round(second, 3), round(value, 3)) for second, value in pairs]


def _unanswered(name: str, story: Story) -> list[tuple[Value, ...]]:
    return [(name, round(second, 3), None) for second in story.unanswered_s.tolist()]


def _draw_trial(
    figure: Figure,
    palette: Palette,
    *,
    story: Story,
    scales: Scales,
    labels: Mapping[str, str],
) -> list[Mark]:
    colour = palette.of(story.arm)
    rows = panels(figure, Margins(top=0.26), [0.92] * 3, 0.32)
    edges = np.append(story.bins_s, story.bins_s[-1] + BIN_S)
    rows[0].stairs(story.others, edges, color=palette.floor, linewidth=1.3)
    rows[0].stairs(story.own_requests, edges, color=colour, fill=True, alpha=0.85)
    rows[0].set_ylim(0, scales.requests * 1.12)
    heading(rows[0], labels["requests"], palette)
    rows[1].set_ylim(0, scales.cpu * 1.12)
    if len(story.cpu_s):
        rows[1].plot(story.cpu_s, story.cpu_ms_per_s, color=colour, linewidth=1.7)
    else:
        rows[1].text(0.5, 0.5, labels["not_sampled"], transform=rows[1].transAxes, ha="center")
    heading(rows[1], labels["cpu"], palette)
    _draw_waits(rows[2], story, colour, scales, palette)
    heading(rows[2], labels["waits"], palette)
    number_ticks(rows[0].yaxis, 3)
    number_ticks(rows[1].yaxis, 3)
    _time_axes(rows, story.record.window_s, labels["seconds"], palette)
    return _second_marks(rows[0], story)


def _second_marks(axes: Axes, story: Story) -> list[Mark]:
    """Return a mark for each second: requests, and the median latency of reads begun in it."""
    marks, step = [], round(1 / BIN_S)
    for index in range(0, len(story.bins_s) - step + 1, step):
        begin = float(story.bins_s[index])
        rate = float(story.own_requests[index : index + step].mean())
        waits_ms = story.read_ms[(story.read_s >= begin) & (story.read_s < begin + 1)]
        text = message("{arm}, second {second}: {rate} requests/s, median read {wait} ms").format(
            arm=story.arm,
            second=f"{begin:.0f}",
            rate=number(rate),
            wait=number(float(np.median(waits_ms)) if len(waits_ms) else None),
        )
        marks.append(Mark(axes, begin + 0.5, rate, text))
    return marks


def _draw_waits(axes: Axes, story: Story, colour: str, scales: Scales, palette: Palette) -> None:
    axes.set_yscale("log")
    axes.plot(story.read_s, story.read_ms, "o", color=colour, markersize=2.0, markeredgewidth=0)
    axes.set_ylim(*scales.waits)
    if len(story.unanswered_s):
        top = [scales.waits[1] / 1.5] * len(story.unanswered_s)
        axes.plot(story.unanswered_s, top, "x", color=palette.ink, markersize=3.5)
    log_ticks(axes.yaxis, *scales.waits)


def _time_axes(rows: Sequence[Axes], seconds: float, label: str, palette: Palette) -> None:
    for axes in rows:
        axes.tick_params(labelbottom=axes is rows[-1])
        axes.set_xlim(0, seconds)
        number_ticks(axes.xaxis, 6)
        grid(axes, palette)
    rows[-1].set_xlabel(label)


def fault_timeline(
    head: Head,
    stories: Sequence[Story],
    shaded_s: tuple[float, float],
    labels: Mapping[str, str],
) -> Chart:
    """Return the chart of one round of a fault: latencies of each server, then requests of all."""
    rows: list[tuple[Value, ...]] = []
    for story in stories:
        series: tuple[tuple[Value, ...], ...] = (
            ("fault_begin", round(shaded_s[0], 3), None),
            ("fault_end", round(shaded_s[1], 3), None),
            *_series("read_latency_ms", story.read_s, story.read_ms),
            *_series("requests_per_s", story.bins_s, story.own_requests),
            *_unanswered("failed", story),
        )
        rows += [(story.arm, *row) for row in series]
    height = len(stories) * (ROW_IN + GAP_IN) + 1.05 + 0.72
    drawn = partial(_draw_fault, stories=stories, shaded_s=shaded_s, labels=labels)
    data = Data(("server", "series", "s", "value"), tuple(rows))
    return Chart(head, data, (WIDTH_IN, height), drawn)


def _draw_fault(
    figure: Figure,
    palette: Palette,
    *,
    stories: Sequence[Story],
    shaded_s: tuple[float, float],
    labels: Mapping[str, str],
) -> list[Mark]:
    heights = [ROW_IN] * len(stories) + [1.05]
    rows = panels(figure, Margins(left=0.5, top=0.26), heights, GAP_IN)
    scales = scales_of(stories)
    for axes, story in zip(rows, stories, strict=False):
        _draw_waits(axes, story, palette.of(story.arm), scales, palette)
        heading(axes, f"{story.arm}: {labels['waits']}", palette)
    for story in stories:
        edges = np.append(story.bins_s, story.bins_s[-1] + BIN_S)
        rows[-1].stairs(story.own_requests, edges, color=palette.of(story.arm), linewidth=1.5)
    rows[-1].set_ylim(0, max(1.0, *(float(story.own_requests.max()) for story in stories)) * 1.12)
    number_ticks(rows[-1].yaxis, 3)
    heading(rows[-1], labels["requests"], palette)
    for axes in rows:
        axes.axvspan(*shaded_s, color=palette.muted, alpha=0.16, linewidth=0)
    _time_axes(rows, max(story.record.window_s for story in stories), labels["seconds"], palette)
    return [mark for story in stories for mark in _second_marks(rows[-1], story)]
