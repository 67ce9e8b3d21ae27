"""``gate-<rules>.json``: a verdict for programs, row by row, with the exit code of the command."""

from dataclasses import dataclass, replace

import msgspec

from bench.gate.judge import Row, Verdict
from bench.gate.outcomes import Outcome

GATE_SCHEMA = 1
"""Version of ``gate-<rules>.json``."""


@dataclass(frozen=True, slots=True)
class RowRecord:
    """One rule: ``form`` says whether figures are values, factors or differences in ``unit``."""

    rule: str
    scenario: str
    arm: str
    metric: str
    per_1000: bool
    against: str | None
    outcome: Outcome
    why: str
    form: str | None = None
    unit: str | None = None
    observed: float | None = None
    low: float | None = None
    high: float | None = None
    at_most: bool | None = None
    limit: float | None = None
    margin: float | None = None
    noise: float | None = None
    boundary: float | None = None
    detectable: float | None = None
    rounds: int | None = None


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """The whole verdict."""

    gate_schema: int
    rules: str
    run: str
    baseline: str | None
    outcome: Outcome
    exit_code: int
    confidence: float
    looks: tuple[int, ...]
    rounds: int
    buys: int | None
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    rows: tuple[RowRecord, ...]


def to_json(verdict: Verdict) -> bytes:
    """Return the content of ``gate-<rules>.json``."""
    record = VerdictRecord(
        gate_schema=GATE_SCHEMA,
        rules=verdict.rules.name,
        run=verdict.run,
        baseline=verdict.baseline,
        outcome=verdict.outcome,
        exit_code=verdict.outcome.exit_code,
        confidence=verdict.rules.confidence,
        looks=verdict.rules.looks,
        rounds=verdict.rounds,
        buys=verdict.buys,
        reasons=tuple(str(reason) for reason in verdict.reasons),
        notes=verdict.notes,
        rows=tuple(_row(row) for row in verdict.rows),
    )
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def _row(row: Row) -> RowRecord:
    rule, seen = row.rule, row.seen
    head = RowRecord(
        rule=rule.name,
        scenario=rule.scenario,
        arm=rule.arm,
        metric=rule.metric,
        per_1000=rule.per_1000,
        against=rule.against,
        outcome=row.outcome,
        why=row.why,
    )
    if seen is None:
        return head
    return replace(
        head,
        form=str(seen.form),
        unit=seen.unit,
        observed=seen.estimate.value,
        low=seen.estimate.low,
        high=seen.estimate.high,
        at_most=seen.at_most,
        limit=seen.limit,
        margin=row.margin,
        noise=seen.noise,
        boundary=row.boundary,
        detectable=row.detectable,
        rounds=seen.rounds,
    )
