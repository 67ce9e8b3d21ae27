"""What a read and what an event cost, and from which read rate on an informer pays.

A design that asks on every read costs reads x (a + b x pods) a second. An informer
costs, for each replica, churn x the cost of an event, and its start (one list)
spread over how long it lives; reads cost it nothing. Everything is linear in the
fitted unit costs, so every answer is a linear form of them, with its interval, and
the break-even rate is a ratio of two such forms.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from bench.analysis.costrows import CostRow, Quantity
from bench.analysis.fieller import Ratio, ratio
from bench.analysis.leastsquares import Fit, Floats

LIFETIME_S = 3600.0
"""How long a replica is taken to live when nobody says otherwise: its start is spread over that."""


@dataclass(frozen=True, slots=True)
class Question:
    """A situation to be priced. ``reads_per_s`` is what all replicas are asked together."""

    reads_per_s: float
    pods: float
    churn_per_s: float
    replicas: float = 1.0
    lifetime_s: float = LIFETIME_S


class Factor(StrEnum):
    """What a unit cost is multiplied by. The calculator's script knows the same five names."""

    READS = "reads"
    READS_PODS = "reads x pods"
    EVENTS = "replicas x churn"
    STARTS = "replicas / lifetime"
    STARTS_PODS = "replicas x pods / lifetime"


def factors(question: Question) -> Mapping[Factor, float]:
    """Return the value of every factor in a situation."""
    starts = question.replicas / question.lifetime_s
    return {
        Factor.READS: question.reads_per_s,
        Factor.READS_PODS: question.reads_per_s * question.pods,
        Factor.EVENTS: question.replicas * question.churn_per_s,
        Factor.STARTS: starts,
        Factor.STARTS_PODS: starts * question.pods,
    }


Recipe = tuple[tuple[int, Factor], ...]
"""How a design is priced: unit costs by their place among the coefficients, times factors."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A cost; ``low`` and ``high`` are ``None`` where no error can be told."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class UnitCost:
    """One fitted coefficient: of whom, of what, and what each round alone would have said."""

    arm: str
    title: str
    per: str
    estimate: Estimate
    freedom: float | None
    by_round: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Goodness:
    """How well an arm's rows are described.

    ``r_squared`` is 1 - residual / total sum of squares about the mean, ``None`` where
    all rows are of one scenario, and so ask for the same. ``residual_sd`` is in the
    quantity's unit. ``typical`` is the median of |residual| / cost, over rows that cost
    something.
    """

    arm: str
    rows: int
    coefficients: int
    r_squared: float | None
    residual_sd: float | None
    typical: float | None
    lack_of_fit: float | None
    """p-value; small: the model bends away from what was measured."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """What was measured, least and most; outside of it an answer is an extrapolation."""

    reads_per_s: tuple[float, float]
    pods: tuple[float, float]
    churn_per_s: tuple[float, float]
    replicas: tuple[float, float]
    """Of the informer; each worker of a replica counts as one, for it has a cache of its own."""
    reads_pods: float
    """The largest reads/s x pods: what the machine was seen to carry."""

    def beyond(self, question: Question) -> list[str]:
        """Name what in ``question`` was not measured."""
        found = []
        for name, value, (low, high) in (
            # No reads cost no reads: the line is anchored at 0 by the arm without a server.
            ("reads/s", question.reads_per_s, (0.0, self.reads_per_s[1])),
            ("pods", question.pods, self.pods),
            ("churn", question.churn_per_s, (0.0, self.churn_per_s[1])),
            ("replicas", question.replicas, self.replicas),
        ):
            if not low <= value <= high:
                found.append(name)
        if "reads/s" not in found and question.reads_per_s * question.pods > self.reads_pods:
            found.append("reads/s x pods")
        return found


@dataclass(frozen=True, slots=True)
class CostModel:
    """The unit costs of one quantity, and everything that follows from them."""

    quantity: Quantity
    rows: tuple[CostRow, ...]
    fit: Fit
    recipes: Mapping[str, Recipe]
    """By arm: how it is priced. The informer's names its start, too."""
    units: tuple[UnitCost, ...]
    goodness: tuple[Goodness, ...]
    ranges: Ranges
    start_from: str | None
    """Whose reads price a start, or ``None``: it was measured itself, or is left out."""

    @property
    def readers(self) -> tuple[str, ...]:
        """The arms that ask on every read."""
        return tuple(arm for arm in self.recipes if arm != INFORMER)

    @property
    def knows_replicas(self) -> bool:
        """Whether more than one number of replicas was measured."""
        return self.ranges.replicas[0] < self.ranges.replicas[1]

    @property
    def knows_pods(self) -> bool:
        """Whether more than one number of pods was measured."""
        return self.ranges.pods[0] < self.ranges.pods[1]

    def form(self, arm: str, question: Question) -> Floats:
        """Return what each unit cost is multiplied by (k) in the cost of ``arm``."""
        values = factors(question)
        form = np.zeros(len(self.fit.coefficients))
        for place, factor in self.recipes[arm]:
            form[place] += values[factor]
        return form

    def cost(self, arm: str, question: Question) -> Estimate:
        """Return what ``arm`` costs a second."""
        form = self.form(arm, question)
        return Estimate(self.fit.value(form), *self.fit.bounds(form))

    def saving(self, reader: str, question: Question) -> Estimate:
        """Return how much less the informer costs than ``reader``, a second."""
        form = self.form(reader, question) - self.form(INFORMER, question)
        return Estimate(self.fit.value(form), *self.fit.bounds(form))

    def break_even(self, reader: str, question: Question) -> Ratio:
        """Return the read rate from which on the informer costs less than ``reader``.

        ``question``'s own rate is not looked at.
        """
        one = Question(1.0, question.pods, 0.0, 0.0, question.lifetime_s)
        above, below = self.form(INFORMER, question), self.form(reader, one)
        numerator, denominator = self.fit.value(above), self.fit.value(below)
        spread, quantile = self.fit.covariance, self.fit.quantile([above, below])
        if spread is None or quantile is None:
            value = max(0.0, numerator / denominator) if denominator > 0 else None
            return Ratio(value, None, None)
        return ratio(
            numerator,
            denominator,
            variances=(float(above @ spread @ above), float(below @ spread @ below)),
            covariance=float(above @ spread @ below),
            quantile=quantile,
        )


INFORMER = "informer"
READERS = ("direct", "direct-rv0")
"""Arms known to ask the API server once for each read; no other is priced by this model."""
