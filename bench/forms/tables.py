"""A summary as CSV files: what every table and chart of a report rests on, one row a figure."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple

from bench.forms import faults
from bench.forms.summary import ArmSummary, RunSummary, ScenarioSummary

Value = str | int | float | bool | None
"""What a field holds; ``None`` is an empty field, never a zero."""
Rows = Iterator[Sequence[Value]]

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def csv_files(summary: RunSummary) -> Mapping[str, str]:
    """Return file name -> content: full precision, a header, lines ended by a newline."""
    files = {
        "figures.csv": _csv(FIGURES, _figures(summary)),
        "rounds.csv": _csv(ROUNDS, _rounds(summary)),
        "percentiles.csv": _csv(PERCENTILES, _percentiles(summary)),
        "api-requests.csv": _csv(REQUESTS, _requests(summary)),
        "comparisons.csv": _csv(COMPARISONS, _comparisons(summary)),
        "caveats.csv": _csv(CAVEATS, _caveats(summary)),
        "scenarios.csv": _csv(SCENARIOS, _scenarios(summary)),
        "read-paths.csv": _csv(READ_PATHS, _read_paths(summary)),
        "versions.csv": _csv(VERSIONS, _versions(summary)),
    }
    if summary.replica_requests:
        files["replica-requests.csv"] = _csv(REPLICA_REQUESTS, _replica_requests(summary))
    if summary.faults:
        files["faults.csv"] = _csv(faults.COLUMNS, faults.csv_rows(summary.faults))
    return files


FIGURES = (
    *("scenario", "arm", "metric", "title", "per_1000_reads", "unit"),
    *("mean", "low_95", "high_95", "rounds", "missing", "source"),
)
ROUNDS = ("scenario", "arm", "metric", "per_1000_reads", "unit", "round", "value")
PERCENTILES = ("scenario", "arm", "percentile", "ms", "at_least", "samples", "withheld")
REQUESTS = ("scenario", "arm", "verb", "requests", "reads")
COMPARISONS = (
    *("scenario", "metric", "per_1000_reads", "subject", "baseline"),
    *("ratio", "ratio_low_95", "ratio_high_95"),
    *("difference", "difference_low_95", "difference_high_95", "at_least_times"),
)
CAVEATS = ("kind", "scenario", "arm", "round", "text")
OF_SCENARIO = (
    *("route", "users", "pods", "rate_rps", "churn_per_s", "arrivals", "probe", "control"),
    *("replicas", "workers"),
)
"""Fields of a scenario, its name apart."""
SCENARIOS = ("scenario", *OF_SCENARIO, "arms", "missing")
REPLICA_REQUESTS = (
    *("scenario", "arm", "round", "replica", "lists", "gets", "watches", "watches_since_start"),
    *("audit_log", "own_count"),
)
"""Requests for pods between the marks, those for the freshness probe's pod apart; the last two
columns are all requests, the probe's among them."""

READ_PATHS = (
    *("read_path", "answers", "baseline", "scenario", "metric", "title", "per_1000_reads", "unit"),
    *("mean", "times", "times_low_95", "times_high_95"),
)

VERSIONS = (
    *("arm", "metric", "title", "per_1000_reads", "unit", "kubernetes", "mean"),
    *("times", "times_low_95", "times_high_95"),
)
"""``times``: the newest version against the oldest; on the newest version's row alone."""


def _arms(summary: RunSummary) -> Iterator[tuple[ScenarioSummary, ArmSummary]]:
    for scenario in summary.scenarios:
        for arm in scenario.arms:
            yield scenario, arm


def _figures(summary: RunSummary) -> Rows:
    for scenario, arm in _arms(summary):
        for one in arm.figures:
            head = (scenario.scenario.name, arm.server, one.metric, one.title, one.per_1000)
            interval = (one.value, one.low, one.high, len(one.rounds))
            yield (*head, one.unit, *interval, one.missing, one.source)


def _rounds(summary: RunSummary) -> Rows:
    for scenario, arm in _arms(summary):
        for one in arm.figures:
            head = (scenario.scenario.name, arm.server, one.metric, one.per_1000, one.unit)
            for number, value in sorted(one.rounds.items()):
                yield (*head, number, value)


def _percentiles(summary: RunSummary) -> Rows:
    for scenario, arm in _arms(summary):
        for one in arm.latency:
            head = (scenario.scenario.name, arm.server, f"p{one.q * 100:.0f}")
            yield (*head, one.value_ms, one.at_least, one.samples, one.withheld)


def _requests(summary: RunSummary) -> Rows:
    for scenario, arm in _arms(summary):
        for verb, count in arm.api_requests_by_verb.items():
            yield (scenario.scenario.name, arm.server, verb, count, arm.reads)


def _comparisons(summary: RunSummary) -> Rows:
    nothing = (None, None, None)
    for scenario in summary.scenarios:
        for one in scenario.comparisons:
            head = (scenario.scenario.name, one.metric, one.per_1000, one.subject, one.baseline)
            yield (*head, *(one.ratio or nothing), *(one.difference or nothing), one.at_least)


def _caveats(summary: RunSummary) -> Rows:
    for one in summary.caveats:
        yield (str(one.kind), one.scenario, one.server, one.round, one.text)


def _scenarios(summary: RunSummary) -> Rows:
    for one in summary.scenarios:
        asked = asdict(one.scenario)
        arms = " ".join(arm.server for arm in one.arms)
        yield (
            asked["name"],
            *(asked[name] for name in OF_SCENARIO),
            arms,
            " ".join(one.missing),
        )


def _replica_requests(summary: RunSummary) -> Rows:
    for one in summary.replica_requests:
        yield astuple(one)


def _read_paths(summary: RunSummary) -> Rows:
    nothing = (None, None, None)
    for one in summary.read_paths:
        for path in one.paths:
            for figure in path.figures:
                head = (path.server, path.contract, one.baseline, figure.scenario, figure.metric)
                of = (figure.title, figure.per_1000, figure.unit, figure.value)
                yield (*head, *of, *(figure.times or nothing))


def _versions(summary: RunSummary) -> Rows:
    nothing = (None, None, None)
    for one in summary.versions:
        for each in one.figures:
            head = (each.server, each.metric, each.title, each.per_1000, each.unit)
            for version, value in each.values.items():
                of = each.times if version == one.versions[-1] else None
                yield (*head, version, value, *(of or nothing))


def _csv(columns: Sequence[str], rows: Rows) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[_field(value) for value in row] for row in rows])
    return text.getvalue()


def _field(value: Value) -> Value:
    if isinstance(value, bool):
        return str(value).lower()
    # Names come from a plan or a cluster: none of them is to run in somebody's spreadsheet.
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value
