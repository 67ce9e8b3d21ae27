"""One round of a fault, second by second: what each read felt, and what each server asked.

A row a server, on the same scales, and one below with the requests of all of them
that reached the API server. The fault is shaded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bench.analysis.faults import FaultAnalysis
from bench.analysis.faulttrial import FaultTrial
from bench.analysis.ledgers import identity_of
from bench.report.chart import Chart, Data, Value
from bench.report.charts.distribution import log_ticks
from bench.report.numbers import number
from bench.report.svg import GRID, INK, MUTED, STYLE, Margins, new_figure, to_svg
from bench.store import RunReader

BIN_S = 0.5
MOST_DOTS = 500
"""Reads drawn as dots in a row; of more, equally spaced ones are."""
ROW_IN, ASKED_IN, GAP_IN = 0.95, 1.05, 0.34
SOURCE = "requests.parquet: intended_us, done_us, outcome; audit.parquet: received_us by user"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Story:
    """One server's trial; seconds from the window's begin."""

    server: str
    trial: FaultTrial
    read_s: Floats
    read_ms: Floats
    failed_s: Floats
    bins_s: Floats
    asked_per_s: Floats


def fault_chart(
    reader: RunReader, analysis: FaultAnalysis, colours: Mapping[str, str], name: str
) -> Chart | None:
    """Draw the first round that most servers have; ``None`` if there is no trial."""
    trials = _one_round(analysis)
    if not trials:
        return None
    stories = [_story(reader, server, trial) for server, trial in trials.items()]
    what = analysis.what
    title = f"Second by second: {what}"
    with mpl.rc_context(STYLE):
        height = len(stories) * (ROW_IN + GAP_IN) + ASKED_IN + 0.75
        figure = new_figure(3.7, height, Margins(left=0.5, top=0.24))
        rows = figure.subplots(
            len(stories) + 1,
            1,
            sharex=True,
            gridspec_kw={
                "height_ratios": [ROW_IN] * len(stories) + [ASKED_IN],
                "hspace": GAP_IN / ROW_IN,
            },
        )
        span = _span(stories)
        for axes, story in zip(rows, stories, strict=False):
            _felt(axes, story, colours[story.server], span)
        _asked(rows[-1], stories, colours)
        rows[-1].set_xlim(0, max(one.trial.record.window_s for one in stories))
        rows[-1].set_xlabel("seconds from the window's begin")
        rows[-1].xaxis.set_major_locator(MaxNLocator(6))
        for axes in rows:
            axes.grid(visible=True, color=GRID)
            axes.set_axisbelow(True)
        svg = to_svg(figure, name, title, _described(stories))
    round_ = stories[0].trial.record.trial.round
    caption = (
        f"Round {round_}. Shaded: {what}. Each dot is a read, where it was meant to start and as "
        "high as it was answered late; a cross at the top is one that failed or got no answer. "
        "Below: what reached the API server, by its audit log."
    )
    return Chart(title, caption, SOURCE, svg, name, _data(stories))


def _one_round(analysis: FaultAnalysis) -> dict[str, FaultTrial]:
    by_round: dict[int, dict[str, FaultTrial]] = {}
    for arm in analysis.arms:
        for one in arm.trials:
            by_round.setdefault(one.record.trial.round, {})[arm.server] = one
    most = max((len(found) for found in by_round.values()), default=0)
    return next((by_round[n] for n in sorted(by_round) if len(by_round[n]) == most), {})


def _story(reader: RunReader, server: str, trial: FaultTrial) -> Story:
    record = trial.record
    requests = reader.requests(record.trial)
    intended = requests["intended_us"].to_numpy(dtype=np.float64) / 1e6
    took = requests["done_us"].to_numpy(dtype=np.float64, na_value=np.nan) / 1e3 - intended * 1e3
    good = (requests["outcome"] == "ok").to_numpy(dtype=bool)
    step = max(1, -(-int(good.sum()) // MOST_DOTS))
    audit = reader.audit(record.trial)
    own = audit["user"].str.endswith(f":{identity_of(record)}").to_numpy(dtype=bool)
    at = audit["received_us"].to_numpy(dtype=np.float64) / 1e6 - record.window_begin_epoch_s
    edges = np.arange(0.0, record.window_s + BIN_S / 2, BIN_S)
    return Story(
        server,
        trial,
        intended[good][::step],
        np.maximum(took[good][::step], 1e-3),
        intended[~good],
        edges[:-1],
        np.histogram(at[own], edges)[0] / BIN_S,
    )


def _span(stories: Sequence[Story]) -> tuple[float, float]:
    waits = np.concatenate([one.read_ms for one in stories])
    if not len(waits):
        return 1.0, 1000.0
    return float(waits.min()) / 1.6, float(waits.max()) * 3.0


def _shade(axes: Axes, story: Story) -> None:
    fault = story.trial.fault
    axes.axvspan(fault.begin_s, fault.end_s, color=MUTED, alpha=0.16, linewidth=0)


def _felt(axes: Axes, story: Story, colour: str, span: tuple[float, float]) -> None:
    _shade(axes, story)
    axes.set_yscale("log")
    axes.plot(story.read_s, story.read_ms, "o", color=colour, markersize=2.0, markeredgewidth=0)
    axes.set_ylim(*span)
    if len(story.failed_s):
        top = span[1] / 1.5
        axes.plot(story.failed_s, [top] * len(story.failed_s), "x", color=INK, markersize=3.5)
    log_ticks(axes.yaxis, *span)
    _heading(axes, f"{story.server}: latency of each read, ms, log scale")


def _asked(axes: Axes, stories: Sequence[Story], colours: Mapping[str, str]) -> None:
    _shade(axes, stories[0])
    for story in stories:
        edges = np.append(story.bins_s, story.bins_s[-1] + BIN_S)
        axes.stairs(story.asked_per_s, edges, color=colours[story.server], linewidth=1.5)
    axes.set_ylim(0, max(1.0, *(float(one.asked_per_s.max()) for one in stories)) * 1.12)
    axes.yaxis.set_major_locator(MaxNLocator(3))
    _heading(axes, "requests of each to the API server in a second")


def _heading(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=8.5, color=MUTED, pad=4)


def _described(stories: Sequence[Story]) -> str:
    said = []
    for one in stories:
        answers = one.trial.answers
        said.append(
            f"{one.server} answered {answers.in_time} of {answers.asked} reads while it lasted, "
            f"and at most {number(float(one.asked_per_s.max()))} of its requests reached the API "
            "server in a second"
        )
    return "; ".join(said)


def _data(stories: Sequence[Story]) -> Data:
    rows: list[tuple[Value, ...]] = []
    for one in stories:
        fault = one.trial.fault
        rows += [
            (one.server, "fault_begin", round(fault.begin_s, 3), None),
            (one.server, "fault_end", round(fault.end_s, 3), None),
        ]
        for series, times, values in (
            ("read_latency_ms", one.read_s, one.read_ms),
            ("requests_per_s", one.bins_s, one.asked_per_s),
        ):
            rows += [
                (one.server, series, round(at, 3), round(value, 3))
                for at, value in zip(times.tolist(), values.tolist(), strict=True)
            ]
        rows += [(one.server, "failed", round(at, 3), None) for at in one.failed_s.tolist()]
    return Data(("server", "series", "s", "value"), tuple(rows))
