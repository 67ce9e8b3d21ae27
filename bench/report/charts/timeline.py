"""One trial along its seconds: what it asked of the API server, what that cost, what clients felt.

Requests are counted from the audit log, CPU from the samples of the process, the
dots are the reads. Trials of one round stand side by side on the same axes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from bench.analysis.ledgers import identity_of
from bench.model import TrialRecord
from bench.report.chart import Chart, Data, Value
from bench.report.charts.distribution import log_ticks
from bench.report.numbers import number
from bench.report.svg import FLOOR, GRID, INK, MUTED, STYLE, Margins, new_figure, to_svg
from bench.store import RunReader

BIN_S = 0.5
MOST_DOTS = 600
"""Reads drawn as dots; of more, equally spaced ones are, and the caption says so."""
SOURCE = (
    "audit.parquet: received_us by user, in half seconds; samples.parquet: cpu_s of apiserver; "
    "requests.parquet: intended_us, done_us"
)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Story:
    """One trial's three series; seconds from the window's begin."""

    record: TrialRecord
    seconds: float
    bins_s: Floats
    """Begins of the bins."""
    own: Floats
    """Requests of the server under test, in a second."""
    others: Floats
    """Writes of everyone else, in a second."""
    cpu_s: Floats
    cpu_ms_per_s: Floats
    read_s: Floats
    read_ms: Floats
    unanswered_s: Floats
    reads: int


def timelines(
    reader: RunReader, records: Sequence[TrialRecord], colours: Sequence[str], prefix: str
) -> list[Chart]:
    """Draw ``records``, trials of one round, each as a chart with the scales of all."""
    stories = [story for record in records if (story := _story(reader, record)) is not None]
    if not stories:
        return []
    tops = (
        max(float(np.max([*one.own, *one.others, 1.0])) for one in stories),
        max(float(np.max([*one.cpu_ms_per_s, 1.0])) for one in stories),
    )
    waits = np.concatenate([one.read_ms for one in stories])
    span = (float(waits.min()), float(waits.max())) if len(waits) else None
    return [
        _chart(story, colour, tops, span, f"{prefix}-{index}")
        for index, (story, colour) in enumerate(zip(stories, colours, strict=False))
    ]


def _story(reader: RunReader, record: TrialRecord) -> Story | None:
    trial, seconds = record.trial, record.window_s
    needed = all(reader.has(trial, table) for table in ("requests", "audit"))
    if not needed or seconds < 2 * BIN_S:
        return None
    edges = np.arange(0.0, seconds - BIN_S / 4, BIN_S)
    bins = np.append(edges, edges[-1] + BIN_S)
    audit = reader.audit(trial)
    at = audit["received_us"].to_numpy(dtype=np.float64) / 1e6 - record.window_begin_epoch_s
    own = audit["user"].str.endswith(f":{identity_of(record)}").to_numpy(dtype=bool)
    writes = audit["verb"].isin(("create", "update", "patch", "delete")).to_numpy(dtype=bool)
    cpu_s, cpu = _cpu(reader, record)
    requests = reader.requests(trial)
    intended = requests["intended_us"].to_numpy(dtype=np.float64) / 1e6
    took = requests["done_us"].to_numpy(dtype=np.float64, na_value=np.nan) / 1e3 - intended * 1e3
    answered = (requests["outcome"] == "ok").to_numpy(dtype=bool)
    step = max(1, -(-int(answered.sum()) // MOST_DOTS))
    return Story(
        record,
        seconds,
        edges,
        np.histogram(at[own], bins)[0] / BIN_S,
        np.histogram(at[~own & writes], bins)[0] / BIN_S,
        cpu_s,
        cpu,
        intended[answered][::step],
        np.maximum(took[answered][::step], 1e-3),
        intended[~answered],
        int(answered.sum()),
    )


def _cpu(reader: RunReader, record: TrialRecord) -> tuple[Floats, Floats]:
    """Return the API server's CPU between samples: the middle of each stretch, and ms a second."""
    samples = reader.samples(record.trial)
    own = samples[samples["process"] == "apiserver"].sort_values("at_us")
    at = own["at_us"].to_numpy(dtype=np.float64) / 1e6
    used = own["cpu_s"].to_numpy(dtype=np.float64)
    long = np.diff(at) > 0
    middles, rates = (at[1:] + at[:-1])[long] / 2, np.diff(used)[long] / np.diff(at)[long] * 1e3
    inside = (middles >= 0) & (middles <= record.window_s)
    return middles[inside], rates[inside]


def _chart(
    story: Story,
    colour: str,
    tops: tuple[float, float],
    span: tuple[float, float] | None,
    name: str,
) -> Chart:
    trial = story.record.trial
    title = f"Second by second: {trial.server}, round {trial.round}"
    with mpl.rc_context(STYLE):
        figure = new_figure(3.7, 4.1, Margins(left=0.46, top=0.26), gap_in=0.45)
        rows = figure.subplots(3, 1, sharex=True)
        _requests(rows[0], story, colour, tops[0])
        _spent(rows[1], story, colour, tops[1])
        _felt(rows[2], story, colour, span)
        rows[2].set_xlim(0, story.seconds)
        rows[2].set_xlabel("seconds from the window's begin")
        rows[2].xaxis.set_major_locator(MaxNLocator(6))
        for axes in rows:
            axes.grid(visible=True, color=GRID)
            axes.set_axisbelow(True)
        svg = to_svg(figure, name, title, _described(story))
    return Chart(title, _caption(story), SOURCE, svg, name, _data(story))


def _heading(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=8.5, color=MUTED, pad=4)


def _requests(axes: Axes, story: Story, colour: str, top: float) -> None:
    edges = np.append(story.bins_s, story.bins_s[-1] + BIN_S)
    axes.stairs(story.others, edges, color=FLOOR, linewidth=1.3)
    axes.stairs(story.own, edges, color=colour, fill=True, alpha=0.85)
    axes.set_ylim(0, top * 1.12)
    axes.yaxis.set_major_locator(MaxNLocator(3))
    _heading(axes, "requests to the API server in a second (line: writes of others)")


def _spent(axes: Axes, story: Story, colour: str, top: float) -> None:
    axes.set_ylim(0, top * 1.12)
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    if len(story.cpu_s):
        axes.plot(story.cpu_s, story.cpu_ms_per_s, color=colour, linewidth=1.7)
    else:
        axes.annotate("not sampled", (0.5, 0.5), xycoords="axes fraction", ha="center", color=INK)
    _heading(axes, "API-server CPU, ms in a second, writes included")


def _felt(axes: Axes, story: Story, colour: str, span: tuple[float, float] | None) -> None:
    axes.set_yscale("log")
    axes.plot(story.read_s, story.read_ms, "o", color=colour, markersize=2.0, markeredgewidth=0)
    low, high = span or (1.0, 1000.0)
    middle = float(np.sqrt(low * high))
    axes.set_ylim(min(low / 1.6, middle / 4), max(high * 1.9, middle * 4))
    if len(story.unanswered_s):
        top = axes.get_ylim()[1] / 1.25
        axes.plot(story.unanswered_s, [top] * len(story.unanswered_s), "x", color=INK, markersize=4)
    log_ticks(axes.yaxis, *axes.get_ylim())
    _heading(axes, "latency of each read, ms, log scale")


def _caption(story: Story) -> str:
    record = story.record
    parts = [f"{number(record.churn_achieved_per_s)} writes/s to pods meanwhile."]
    if len(story.read_s) < story.reads:
        parts.append(f"{len(story.read_s):,} of {story.reads:,} reads drawn.")
    if len(story.unanswered_s):
        parts.append(f"Crosses: {len(story.unanswered_s):,} unanswered.")
    return " ".join(parts)


def _described(story: Story) -> str:
    cpu = (
        f"{number(float(story.cpu_ms_per_s.mean()))} ms/s of CPU" if len(story.cpu_s) else "no CPU"
    )
    wait = f"{number(float(np.median(story.read_ms)))} ms" if len(story.read_ms) else "no read"
    return f"on average {number(float(story.own.mean()))} requests/s, {cpu}, median latency {wait}"


def _data(story: Story) -> Data:
    rows: list[tuple[Value, ...]] = [
        (series, round(at, 3), round(value, 3))
        for series, times, values in (
            ("server_requests_per_s", story.bins_s, story.own),
            ("others_writes_per_s", story.bins_s, story.others),
            ("apiserver_cpu_ms_per_s", story.cpu_s, story.cpu_ms_per_s),
            ("read_latency_ms", story.read_s, story.read_ms),
        )
        for at, value in zip(times.tolist(), values.tolist(), strict=True)
    ]
    rows += [("unanswered", round(at, 3), None) for at in story.unanswered_s.tolist()]
    return Data(("series", "s", "value"), tuple(rows))
