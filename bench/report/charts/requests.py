"""Requests that reached the API server, by verb, for the same number of reads."""

from collections.abc import Sequence

import matplotlib as mpl

from bench.analysis.summary import Arm
from bench.report.chart import Chart, Data
from bench.report.charts.bars import WIDTH_IN, end_label, name_rows, zero_based
from bench.report.charts.palette import colour_of
from bench.report.numbers import number
from bench.report.svg import PAPER, STYLE, Margins, new_figure, to_svg, width_of

TITLE = "Requests that reached the API server, by verb"
SOURCE = "audit.parquet: rows whose user is the server's identity, by verb, over answered reads"


def requests_by_verb(arms: Sequence[Arm], name: str) -> Chart:
    """Draw what each arm sent for 1,000 answered reads, all rounds together."""
    counted = [arm for arm in arms if arm.reached is not None and arm.reads]
    lacking = [arm.server for arm in arms if arm not in counted]
    caption = "; ".join(f"{arm.server}: {_verbs(arm)}" for arm in counted) + "."
    if lacking:
        caption += f" Not counted, or no read answered: {', '.join(lacking)}."
    if not counted:
        return Chart(TITLE, "Nothing to draw: no trial counted this.", SOURCE, None, name)
    shares = {arm.server: _per_1000(arm) for arm in counted}
    with mpl.rc_context(STYLE):
        figure = new_figure(WIDTH_IN, 0.6 + 0.4 * len(counted), Margins(left=width_of(shares)))
        axes = figure.add_subplot()
        for row, (server, verbs) in enumerate(shares.items()):
            end = 0.0
            for value in verbs.values():
                axes.barh(
                    row,
                    value,
                    left=end,
                    height=0.56,
                    color=colour_of(server, [arm.server for arm in arms]),
                    edgecolor=PAPER,
                    linewidth=0.8 if len(verbs) > 1 else 0,
                )
                end += value
            end_label(axes, _label(verbs), end, row)
        name_rows(axes, list(shares))
        zero_based(axes, room=0.42)
        axes.set_xlabel("requests for 1,000 reads")
        described = "; ".join(f"{server}: {_label(verbs)}" for server, verbs in shares.items())
        svg = to_svg(figure, name, TITLE, f"{described}, for 1,000 reads")
    rows = tuple(
        (arm.server, verb, count, arm.reads, 1000 * count / arm.reads)
        for arm in counted
        for verb, count in (arm.reached_by_verb or {"none": 0}).items()
    )
    data = Data(("arm", "verb", "requests", "answered_reads", "per_1000_reads"), rows)
    return Chart(TITLE, caption, SOURCE, svg, name, data)


def _per_1000(arm: Arm) -> dict[str, float]:
    return {verb: 1000 * count / arm.reads for verb, count in arm.reached_by_verb.items()}


def _label(verbs: dict[str, float]) -> str:
    return " + ".join(f"{number(value)} {verb}" for verb, value in verbs.items()) or "0"


def _verbs(arm: Arm) -> str:
    if not arm.reached:
        return f"none during {arm.reads:,} reads"
    parts = [f"{count:,} {verb}" for verb, count in arm.reached_by_verb.items()]
    return f"{', '.join(parts)} during {arm.reads:,} reads"
