"""An analysis as CSV: the figures behind every table and chart of a report, one a row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, fields

import msgspec

from bench.analysis.faults import FaultRound
from bench.analysis.frame import rounds_frame
from bench.analysis.requests import ReplicaRequests
from bench.analysis.result import Arm, RunAnalysis
from bench.metrics import BY_KEY, View, of_view, percentile_name
from bench.report.charts import Value, csv_text
from bench.report.content.rows import row_key
from bench.report.document import Document
from bench.stats import Estimate

Rows = Iterator[Sequence[Value]]

OF_ESTIMATE = ("", "_low_95", "_high_95")
FIGURES = (
    *("scenario", "arm", "metric", "title", "per_1000_reads", "unit"),
    *("mean", "low_95", "high_95", "rounds", "missing", "source"),
)
PERCENTILES = ("scenario", "arm", "percentile", "ms", "at_least", "samples", "withheld", "from")
REQUESTS = ("scenario", "arm", "verb", "requests", "reads")
REQUEST_LINES = (
    *("scenario", "arm", "phase", "verb", "resource", "scope", "resource_version", "code"),
    *("round", "requests"),
)
COMPARISONS = (
    *("scenario", "metric", "per_1000_reads", "subject", "baseline"),
    *(f"{name}{part}" for name in ("ratio", "difference") for part in OF_ESTIMATE),
    *("at_least_times", *(f"times{part}" for part in OF_ESTIMATE)),
    *("bootstrap_low_95", "bootstrap_high_95", "detectable", "variation", "outlying_rounds"),
)
CAVEATS = ("kind", "scenario", "arm", "round", "text")
OF_SCENARIO = (
    *("route", "users", "pods", "rate_rps", "churn_per_s", "arrivals", "probe", "control"),
    *("replicas", "workers"),
)
"""Fields of a scenario without its name."""
SCENARIOS = ("scenario", *OF_SCENARIO, "arms", "missing")
REPLICA_REQUESTS = tuple(
    {"server": "arm"}.get(field.name, field.name) for field in fields(ReplicaRequests)
)
"""Requests for pods between the marks, without those for the freshness probe's pod;
``audit_log`` and ``own_count`` are all requests, including the probe's."""
READ_PATHS = (
    *("read_path", "answers", "baseline", "scenario", "metric", "title", "per_1000_reads", "unit"),
    *("mean", *(f"times{part}" for part in OF_ESTIMATE)),
)
VERSIONS = (
    *("arm", "metric", "title", "per_1000_reads", "unit", "kubernetes", "mean"),
    *(f"times{part}" for part in OF_ESTIMATE),
)
"""``times``: the newest version against the oldest; only in the newest version's row."""
REPLICAS = (
    *("arm", "metric", "unit", "replicas", "mean", "low_95", "high_95"),
    *("each_further", "each_further_low_95", "each_further_high_95"),
)
"""``each_further``: the slope over the replicas, the same on each row of a metric."""
BREAK_EVEN = (
    *("quantity", "against", "pods", "writes_per_s", "replicas"),
    *("reads_per_s", "low_95", "high_95"),
)
"""Empty ``reads_per_s``: a read costs nothing measurable; empty ``high_95``: no upper end."""
UNIT_COSTS = (
    *("quantity", "arm", "cost_of", "per", "unit", "estimate", "low_95", "high_95"),
    *("degrees_of_freedom", "r_squared", "lack_of_fit_p"),
)
OF_FAULT = tuple(field.name for field in fields(FaultRound) if field.name != "refills")
FAULTS = ("scenario", "fault", "arm", *OF_FAULT, "refills")


def csv_files(analysis: RunAnalysis) -> Mapping[str, str]:
    """Return file name -> content: a header, full precision, lines ended by a newline."""
    rounds = rounds_frame(analysis)
    files = {
        "figures.csv": csv_text(FIGURES, _figures(analysis)),
        "rounds.csv": csv_text(tuple(rounds.columns), rounds.itertuples(index=False, name=None)),
        "percentiles.csv": csv_text(PERCENTILES, _percentiles(analysis)),
        "api-requests.csv": csv_text(REQUESTS, _requests(analysis)),
        "requests.csv": csv_text(REQUEST_LINES, _request_lines(analysis)),
        "comparisons.csv": csv_text(COMPARISONS, _comparisons(analysis)),
        "caveats.csv": csv_text(CAVEATS, _caveats(analysis)),
        "scenarios.csv": csv_text(SCENARIOS, _scenarios(analysis)),
        "read-paths.csv": csv_text(READ_PATHS, _read_paths(analysis)),
        "versions.csv": csv_text(VERSIONS, _versions(analysis)),
        "break-even.csv": csv_text(BREAK_EVEN, _break_even(analysis)),
        "unit-costs.csv": csv_text(UNIT_COSTS, _unit_costs(analysis)),
    }
    if analysis.replicas:
        files["replicas.csv"] = csv_text(REPLICAS, _replicas(analysis))
    if analysis.replica_requests:
        rows = (astuple(counts) for counts in analysis.replica_requests)
        files["replica-requests.csv"] = csv_text(REPLICA_REQUESTS, rows)
    if analysis.faults:
        files["faults.csv"] = csv_text(FAULTS, _faults(analysis))
    return files


def _bounds(estimate: Estimate | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if estimate is None else (estimate.value, estimate.low, estimate.high)


def _arms(analysis: RunAnalysis) -> Iterator[tuple[str, Arm]]:
    return ((group.scenario.name, arm) for group in analysis.scenarios for arm in group.arms)


def _figures(analysis: RunAnalysis) -> Rows:
    for scenario, arm in _arms(analysis):
        for figure in arm.figures:
            key = (scenario, arm.server, figure.metric, figure.title, figure.per_1000)
            interval = (figure.value, figure.low, figure.high, len(figure.rounds))
            yield (*key, figure.unit, *interval, figure.missing, figure.source)


def _percentiles(analysis: RunAnalysis) -> Rows:
    for scenario, arm in _arms(analysis):
        for since, percentiles in (("intended start", arm.latency), ("actual send", arm.service)):
            for row in percentiles:
                key = (scenario, arm.server, percentile_name(row.q))
                yield (*key, row.value_ms, row.at_least, row.samples, row.withheld, since)


def _requests(analysis: RunAnalysis) -> Rows:
    for scenario, arm in _arms(analysis):
        for verb, count in arm.api_requests_by_verb.items():
            yield (scenario, arm.server, verb, count, arm.reads)


def _request_lines(analysis: RunAnalysis) -> Rows:
    for scenario, arm in _arms(analysis):
        for line in arm.requests:
            for number, count in line.rounds.items():
                yield (scenario, arm.server, *line.kind, number, count)


def _comparisons(analysis: RunAnalysis) -> Rows:
    for scenario in analysis.scenarios:
        for row in (*scenario.comparisons, *scenario.base):
            yield (
                *(scenario.scenario.name, row.metric, row.per_1000, row.subject, row.baseline),
                *_bounds(row.ratio),
                *_bounds(row.difference),
                row.at_least,
                *_bounds(row.times),
                *(row.check or (None, None)),
                *(row.detectable, row.variation, " ".join(map(str, row.outlying))),
            )


def _caveats(analysis: RunAnalysis) -> Rows:
    for caveat in analysis.caveats:
        yield (str(caveat.kind), caveat.scenario, caveat.server, caveat.round, caveat.text)


def _scenarios(analysis: RunAnalysis) -> Rows:
    for analysed in analysis.scenarios:
        planned = asdict(analysed.scenario)
        arms = " ".join(arm.server for arm in analysed.arms)
        values = (planned[name] for name in OF_SCENARIO)
        yield (planned["name"], *values, arms, " ".join(analysed.missing))


def _read_paths(analysis: RunAnalysis) -> Rows:
    for group in analysis.read_paths:
        for path in group.paths:
            for figure in path.figures:
                key = (path.server, path.contract, group.baseline, figure.scenario, figure.metric)
                size = (figure.title, figure.per_1000, figure.unit, figure.value)
                yield (*key, *size, *_bounds(figure.times))


def _versions(analysis: RunAnalysis) -> Rows:
    for group in analysis.versions:
        for figure in group.figures:
            key = (figure.server, figure.metric, figure.title, figure.per_1000, figure.unit)
            for version, value in figure.values.items():
                times = figure.times if version == group.versions[-1] else None
                yield (*key, version, value, *_bounds(times))


def _replicas(analysis: RunAnalysis) -> Rows:
    for group in analysis.replicas:
        for cost in group.costs:
            unit = BY_KEY[cost.metric].unit
            for count, mean in cost.means.items():
                yield (cost.arm, cost.metric, unit, count, *_bounds(mean), *_bounds(cost.each))


def _break_even(analysis: RunAnalysis) -> Rows:
    for model in analysis.cost_models:
        for point in model.break_evens:
            situation = (point.reader, point.pods, point.churn_per_s, point.replicas)
            yield (model.quantity, *situation, point.rate, point.low, point.high)


def _unit_costs(analysis: RunAnalysis) -> Rows:
    for model in analysis.cost_models:
        fits = {fit.arm: fit for fit in model.goodness}
        for unit in model.units:
            fit = fits.get(unit.arm)
            yield (
                *(model.quantity, unit.arm, unit.title, unit.per, model.unit.removesuffix("/s")),
                *_bounds(unit.estimate),
                unit.freedom,
                *((fit.r_squared, fit.lack_of_fit) if fit else (None, None)),
            )


def _faults(analysis: RunAnalysis) -> Rows:
    for fault in analysis.faults:
        for arm in fault.arms:
            for round_ in arm.rounds:
                values = (getattr(round_, name) for name in OF_FAULT)
                refills = " ".join(f"{reason}:{count}" for reason, count in round_.refills.items())
                yield (fault.scenario.name, fault.scenario.fault, arm.server, *values, refills)


def to_trend(analysis: RunAnalysis) -> bytes:
    """Return the figures where less is better as JSON for tools that draw trends over runs.

    A list of ``name`` (made of keys, which stay when titles change), ``unit``, ``value`` and, as
    ``range``, the 95% interval in words: ``customSmallerIsBetter`` of github-action-benchmark.
    Empty where the run is void.
    """
    entries = [
        {
            "name": f"{scenario.scenario.name}, {arm.server}: {row_key(metric, per_1000)}",
            "unit": figure.unit,
            "value": figure.value,
            "range": ""
            if figure.low is None or figure.high is None
            else f"{figure.low:.4g} to {figure.high:.4g}",
        }
        for scenario in analysis.scenarios
        for arm in scenario.contenders
        for metric, per_1000 in of_view(View.BRIEF)
        if (figure := arm.figure(metric.key, per_1000=per_1000)) is not None
        and figure.value is not None
        and not metric.higher_is_better
        and not analysis.void
    ]
    return msgspec.json.format(msgspec.json.encode(entries), indent=2) + b"\n"


def to_answer(document: Document) -> bytes:
    """Return the first screen as JSON, in the sentences of every form, for programs to quote."""
    answer = {
        "headline": document.headline,
        "alarms": document.alarms,
        "quotable": document.quotable,
        "verdict": document.verdict,
        "gains": document.gains,
        "costs": document.costs,
        "trust": [item.line for item in document.trust],
    }
    return msgspec.json.format(msgspec.json.encode(answer, enc_hook=str), indent=2) + b"\n"
