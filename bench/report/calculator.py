"""The calculator of the page: its inputs, the constants it computes from, and its script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from bench.analysis.costmodel import LIFETIME_S, CostModel, Question
from bench.analysis.leastsquares import CONFIDENCE
from bench.report.breakeven_words import SHORT
from bench.report.numbers import number


@dataclass(frozen=True, slots=True)
class Field:
    """One input of the calculator."""

    name: str
    label: str
    value: str
    least: str
    range: str
    fixed: bool = False


def fields(model: CostModel, at: Question) -> tuple[Field, ...]:
    """Return the inputs, each with what was measured of it."""
    ranges = model.ranges
    sizes = _span(ranges.pods)
    return (
        Field(
            "reads",
            "Reads a second, all replicas",
            _plain(at.reads_per_s),
            "0",
            f"measured: {_span(ranges.reads_per_s)}",
        ),
        Field(
            "pods", "Pods", _plain(at.pods), "0", f"measured: {sizes}", fixed=not model.knows_pods
        ),
        Field(
            "churn",
            "Writes to pods a second",
            _plain(at.churn_per_s),
            "0",
            f"measured: up to {number(ranges.churn_per_s[1])}",
        ),
        Field(
            "replicas",
            "Replicas of your service",
            _plain(at.replicas),
            "1",
            f"measured: {_span(ranges.replicas)}",
        ),
        Field(
            "lifetime",
            "A replica lives for, hours",
            _plain(LIFETIME_S / 3600),
            "0.01",
            "an assumption, yours to change",
        ),
    )


def _span(ends: tuple[float, float]) -> str:
    return " to ".join(dict.fromkeys(number(end) for end in ends))


def _plain(value: float) -> str:
    """Return a number as an input takes it: no thousands, two digits."""
    return f"{rounded(value):g}"


def rounded(value: float) -> float:
    """Cut what was measured to two digits: 40.13 writes a second were meant to be 40."""
    return float(f"{value:.2g}")


def constants(models: Sequence[CostModel], at: Question) -> Mapping[str, Any]:
    """Return what the calculator computes from; it is JSON in the page."""
    ranges = models[0].ranges
    return {
        "confidence": CONFIDENCE,
        "ranges": {
            "reads": list(ranges.reads_per_s),
            "pods": list(ranges.pods),
            "churn": list(ranges.churn_per_s),
            "replicas": list(ranges.replicas),
            "reads_pods": ranges.reads_pods,
        },
        "quantities": [
            {
                "key": model.quantity.key,
                "title": model.quantity.title,
                "short": SHORT[model.quantity.key],
                "unit": model.quantity.unit,
                "recipes": {
                    arm: [[place, str(factor)] for place, factor in recipe]
                    for arm, recipe in model.recipes.items()
                },
                "coefficients": model.fit.coefficients.tolist(),
                "covariance": None
                if model.fit.covariance is None
                else model.fit.covariance.tolist(),
                "quantiles": {
                    arm: model.fit.quantile([model.form(arm, at)]) for arm in model.recipes
                },
            }
            for model in models
        ],
    }


def script() -> str:
    """Return the calculator's script, as it stands in the page."""
    file = resources.files("bench.report") / "templates" / "breakeven.js"
    return file.read_text(encoding="utf-8")
