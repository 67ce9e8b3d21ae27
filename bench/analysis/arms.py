"""Arms over their rounds: each figure with its interval, or the reason why it has none."""

from collections import Counter
from collections.abc import Mapping, Sequence

from bench.analysis.frame import Frame
from bench.analysis.latency import FreshnessCounts, Latencies, Percentile
from bench.analysis.request_bill import Phase, request_lines
from bench.analysis.result import Arm, Figure, presentation_order
from bench.analysis.trial_data import TrialData, pooled_times
from bench.metrics import METRICS, PERCENTILES, Metric, Tally, Times
from bench.metrics.metric import Counted, Quantile, Source
from bench.stats import CONFIDENCE, Estimate, Events, mean, poisson_bounds


def arms_of(frame: Frame, data: Sequence[TrialData], servers: Sequence[str]) -> list[Arm]:
    """Pool the good trials of one scenario by arm; ``servers`` without one are left out."""
    by_arm: dict[str, dict[int, TrialData]] = {}
    for trial_data in data:
        by_arm.setdefault(trial_data.trial.server, {})[trial_data.trial.round] = trial_data
    return [
        _arm(frame, list(by_arm[server].values()))
        for server in presentation_order(servers)
        if server in by_arm
    ]


def _arm(frame: Frame, rounds: Sequence[TrialData]) -> Arm:
    trial = rounds[0].trial
    place = (trial.scenario, trial.server)
    values = frame.of(place)
    reached = _reached(rounds)
    response = pooled_times(rounds, Times.RESPONSE)
    billed = _billed(rounds)
    return Arm(
        server=trial.server,
        rounds=tuple(sorted(data.trial.round for data in rounds)),
        reads=sum(data.reads for data in rounds),
        api_requests=reached,
        api_requests_by_verb=_by_verb(rounds),
        figures=tuple(
            _figure(metric, per_1000, values, rounds, frame.withheld.get((*place, metric.key)))
            for per_1000 in (False, True)
            for metric in METRICS
            if metric.per_read or not per_1000
        ),
        latency=_percentiles(response),
        service=_percentiles(pooled_times(rounds, Times.SERVICE)),
        freshness=_freshness(rounds),
        requests=request_lines({data.trial.round: data.kinds for data in rounds}, billed),
        billed=billed,
    )


def _billed(rounds: Sequence[TrialData]) -> dict[Phase, tuple[int, ...]]:
    """Return the rounds whose requests of a phase are known, in their order."""
    logged = sorted(data.trial.round for data in rounds if data.ledgers.audit_user is not None)
    started = {
        data.trial.round
        for data in rounds
        if data.record.is_client and data.record.ready_requests is not None
    }
    return {
        Phase.START: tuple(number for number in logged if number in started),
        Phase.WINDOW: tuple(logged),
    }


def _figure(
    metric: Metric,
    per_1000: bool,
    values: Mapping[tuple[str, bool], dict[int, float]],
    rounds: Sequence[TrialData],
    withheld: str | None,
) -> Figure:
    numbers = values.get((metric.key, per_1000), {})
    counted = _counted(metric.of, rounds, per_1000=per_1000)
    estimate, missing = mean(list(numbers.values()), CONFIDENCE, counted), withheld
    if estimate is None and missing is None:
        missing = "not measured"
    if withheld is not None and isinstance(metric.of, Quantile):
        estimate = _of_all_rounds(metric.of, rounds)
    if numbers and counted is not None and counted.exposure and not any(numbers.values()):
        # No event in any round, not even in a single one: the exact bound is used.
        estimate = Estimate(0.0, 0.0, poisson_bounds(0)[1] / counted.exposure, len(numbers))
    return Figure(
        metric=metric.key,
        title=str(metric.title),
        unit=metric.unit_of(per_1000=per_1000),
        source=metric.source,
        per_1000=per_1000,
        higher_is_better=metric.higher_is_better,
        may_be_zero=metric.may_be_zero,
        rounds=numbers,
        value=estimate.value if estimate else None,
        low=estimate.low if estimate else None,
        high=estimate.high if estimate else None,
        missing=missing,
        events=counted.count if counted else None,
        exposure=counted.exposure if counted else None,
    )


def _counted(of: Source, rounds: Sequence[TrialData], *, per_1000: bool) -> Events | None:
    """Return the events behind a figure; ``None``: it is no count of events."""
    if of == Counted(Tally.API_REQUESTS) and (reached := _reached(rounds)) is not None:
        thousands = sum(data.reads for data in rounds) / 1000
        seconds = sum(data.record.window_s for data in rounds)
        return Events(reached, thousands if per_1000 else seconds)
    after = [data.recovery.requests for data in rounds if data.recovery is not None]
    if of == Counted(Tally.RECOVERY_REQUESTS) and after:
        return Events(sum(after), float(len(after)))
    return None


def _of_all_rounds(quantile: Quantile, rounds: Sequence[TrialData]) -> Estimate | None:
    """Return a percentile of all rounds pooled, for one that a single round cannot carry."""
    times = pooled_times(rounds, quantile.times)
    percentile = times.percentile(quantile.q) if times is not None else None
    if percentile is None or percentile.value_ms is None or percentile.at_least:
        return None
    return Estimate(percentile.value_ms, n=len(rounds))


def _percentiles(times: Latencies | None) -> tuple[Percentile, ...]:
    if times is None or not times.samples:
        return ()
    return tuple(times.percentile(q) for q in PERCENTILES)


def _reached(rounds: Sequence[TrialData]) -> int | None:
    counts = [data.ledgers.for_reads for data in rounds]
    known = [count.total() for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _by_verb(rounds: Sequence[TrialData]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for data in rounds:
        for key, count in (data.ledgers.for_reads or {}).items():
            total[key.verb] += count
    return dict(total.most_common())


def _freshness(rounds: Sequence[TrialData]) -> FreshnessCounts | None:
    counts = [data.freshness for data in rounds if data.freshness is not None]
    if not counts:
        return None
    longest = [count.longest_stale_ms for count in counts if count.longest_stale_ms is not None]
    return FreshnessCounts(
        sum(count.writes for count in counts),
        sum(count.never_seen for count in counts),
        sum(count.first_reads for count in counts),
        sum(count.first_stale for count in counts),
        max(longest, default=None),
    )
