"""``gate-<rules>.json``: a verdict for programs, row by row, with the exit code of the command."""

from typing import Any

import msgspec

from bench.gate.judge import Row, Verdict

GATE_SCHEMA = 1
"""Version of ``gate-<rules>.json``."""


def to_json(verdict: Verdict) -> bytes:
    """Return the content of ``gate-<rules>.json``.

    A row's ``form`` says whether its figures are values, factors or differences in ``unit``;
    they are null where there was nothing to judge.
    """
    rules = verdict.rules
    record = {
        "gate_schema": GATE_SCHEMA,
        "rules": rules.name,
        "run": verdict.run,
        "baseline": verdict.baseline,
        "outcome": verdict.outcome,
        "exit_code": verdict.outcome.exit_code,
        "confidence": rules.confidence,
        "looks": rules.looks,
        "rounds": verdict.rounds,
        "buys": verdict.buys,
        "reasons": [str(reason) for reason in verdict.reasons],
        "notes": verdict.notes,
        "rows": [_row(row) for row in verdict.rows],
    }
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def _row(row: Row) -> dict[str, Any]:
    rule, seen = row.rule, row.observed
    of_rule = ("scenario", "arm", "metric", "per_1000", "against", "of", "per")
    of_figure = ("form", "unit", "at_most", "limit", "noise", "rounds")
    return {
        "rule": rule.name,
        **{key: getattr(rule, key) for key in of_rule},
        "outcome": row.outcome,
        "why": row.why,
        **{key: getattr(seen, key) if seen else None for key in of_figure},
        "observed": seen.estimate.value if seen else None,
        "low": seen.estimate.low if seen else None,
        "high": seen.estimate.high if seen else None,
        "margin": row.margin,
        "boundary": row.boundary,
        "detectable": row.detectable,
    }
