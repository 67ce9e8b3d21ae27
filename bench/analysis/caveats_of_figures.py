"""Caveats of figures: too little to state one, a metric that is missing, a control that fired."""

from collections.abc import Iterator, Sequence

from bench.analysis.controls import Control
from bench.analysis.intervals import INDICATIVE_BELOW, Verdict
from bench.analysis.metrics import METRICS, Facts
from bench.analysis.summary import Arm
from bench.model import NO_SERVER, Caveat, CaveatKind, RunRecord


def of_arm(arm: Arm) -> Iterator[Caveat]:
    """Yield what of an arm is too little to be stated."""
    if arm.server == NO_SERVER:
        return
    where = (arm.scenario.name, arm.server)
    withheld = [one for one in arm.percentiles if one.withheld]
    if withheld:
        text = "; ".join(f"p{one.q * 100:.0f} {one.withheld}" for one in withheld)
        yield Caveat(CaveatKind.TOO_FEW_SAMPLES, text, *where)
    rounds = len(arm.facts)
    if rounds < INDICATIVE_BELOW:
        text = (
            "a single round: no interval can be given"
            if rounds == 1
            else f"{rounds} rounds: intervals are indicative, {INDICATIVE_BELOW} are needed"
        )
        yield Caveat(CaveatKind.TOO_FEW_ROUNDS, text, *where)


def of_control(control: Control) -> Iterator[Caveat]:
    """Yield that a server differed from itself, or that the rounds do not tell."""
    where = (control.scenario, control.arm.server)
    what = f"{control.server} measured twice in every round"
    if control.fired:
        text = (
            f"{what} differs from itself in {control.metric.title.lower()}: {_ratio(control)}, "
            f"and not within the {control.margin:.0%} that are allowed. What this run shows "
            "between servers may be the machine's doing"
        )
        yield Caveat(CaveatKind.CONTROL_FIRED, text, *where)
    elif control.verdict is Verdict.UNDECIDED:
        text = (
            f"{what} was not shown to equal itself within {control.margin:.0%} in "
            f"{control.metric.title.lower()}: {_ratio(control)}; more rounds would tell"
        )
        yield Caveat(CaveatKind.TOO_FEW_ROUNDS, text, *where)


def _ratio(control: Control) -> str:
    if control.ratio is None or control.found is None:
        return "no round has both"
    value, low, high = control.ratio
    if low is None or high is None:
        return f"{value:.3g} times, in a single round"
    return f"{value:.3g} times [{low:.3g} to {high:.3g}] ({control.found.confidence:.0%})"


def of_metrics(record: RunRecord, facts: Sequence[Facts]) -> Iterator[Caveat]:
    """Yield what API server and etcd did not expose, so that no figure of it is taken for 0.

    Said once for a version of Kubernetes where all trials on it lack the same, else trial
    by trial.
    """
    by_version: dict[str, list[Facts]] = {}
    for fact in facts:
        if fact.marks is not None:
            version = fact.record.kubernetes or record.environment.kubernetes
            by_version.setdefault(version, []).append(fact)
    for version, scraped in by_version.items():
        lacking = [_lacking(fact) for fact in scraped]
        common = lacking[0] if all(one == lacking[0] for one in lacking) else ()
        for text in common:
            yield Caveat(CaveatKind.METRIC_MISSING, f"{text} (Kubernetes {version})")
        for fact, texts in zip(scraped, lacking, strict=True):
            trial = fact.record.trial
            if texts and not common:
                where = (trial.scenario, trial.server, trial.round)
                yield Caveat(CaveatKind.METRIC_MISSING, "; ".join(texts), *where)


def _lacking(fact: Facts) -> tuple[str, ...]:
    marks = fact.marks
    assert marks is not None, "only asked about trials that were scraped"
    unscraped: dict[str, list[str]] = {}
    unexposed: dict[str, list[str]] = {}
    for metric in METRICS:
        for counter in metric.counters:
            if not marks.has(counter.source):
                unscraped.setdefault(counter.source, []).append(metric.title)
            elif not counter.is_exposed(marks):
                shown = f"{metric.title} ({counter.name})"
                unexposed.setdefault(counter.source, []).append(shown)
    return (
        *(
            f"{_named(source)} was not scraped at both marks, so these are not measured: "
            f"{', '.join(titles)}"
            for source, titles in unscraped.items()
        ),
        *(
            f"{_named(source)} does not expose what these are read from, so they are not "
            f"measured: {', '.join(titles)}"
            for source, titles in unexposed.items()
        ),
    )


def _named(source: str) -> str:
    return "the API server" if source == "apiserver" else source
