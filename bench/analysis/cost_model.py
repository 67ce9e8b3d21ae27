"""What a read and what an event cost, and from which read rate on an informer pays.

A server that asks on every read costs reads x (a + b x pods) per second. An informer costs,
for each replica, churn x the cost of an event, and its start (one list) spread over how long
it lives; reads cost it nothing. Everything is linear in the fitted unit costs, so every
answer is a linear form of them, with its interval, and the break-even rate is a ratio of two
such forms.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from bench.stats import CONFIDENCE, Estimate, fieller
from bench.stats.least_squares import Fit, Floats

LIFETIME_S = 3600.0
"""How long a replica is taken to live when nobody says otherwise: its start is spread over that."""
INFORMER = "informer"
READERS = ("direct", "direct-rv0")
"""Arms known to ask the API server once for each read; no other is priced by this model."""
START = "informer's start"
"""Stands for the arm in rows that say what a start took."""


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
"""How an arm is priced: unit costs by their place among the coefficients, times factors."""


@dataclass(frozen=True, slots=True)
class CostRow:
    """One trial: what it was asked for, and what it cost more than the floor, per second.

    ``reads_per_s`` and ``churn_per_s`` are what was done per second between the marks, as
    costs are, not what was planned; ``window_rps`` counts the reads over the window alone,
    which is the rate that was offered, if it was reached. ``replicas`` counts caches: each
    worker of a replica has one. The row of a start is of the starts of all of them.
    """

    scenario: str
    round: int
    arm: str
    pods: int
    reads_per_s: float
    churn_per_s: float
    cost: float
    floor: float
    window_rps: float = 0.0
    replicas: int = 1

    @property
    def block(self) -> tuple[str, int]:
        """What shares a floor: the scenario and the round."""
        return self.scenario, self.round


@dataclass(frozen=True, slots=True)
class UnitCost:
    """One fitted coefficient: of whom, of what, and what each round alone would have given."""

    arm: str
    title: str
    per: str
    estimate: Estimate
    freedom: float | None
    """Degrees of freedom of its interval."""
    by_round: dict[int, float]


@dataclass(frozen=True, slots=True)
class Goodness:
    """How well an arm's rows are described.

    ``r_squared`` is 1 - residual / total sum of squares about the mean, ``None`` where all
    rows are of one scenario, and so ask for the same. ``residual_sd`` is in the quantity's
    unit. ``typical`` is the median of |residual| / cost, over rows that cost something.
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


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The read rate from which on the informer costs less than ``reader``, in one situation.

    ``rate`` is ``None`` where a read costs nothing that could be measured, ``high`` where the
    interval has no upper end, ``low`` where no error is known.
    """

    reader: str
    pods: float
    churn_per_s: float
    replicas: float
    rate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Unfitted:
    """A quantity without a model, and what would have to be measured for one."""

    quantity: str
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class CostModel:
    """The unit costs of one quantity, and everything that follows from them."""

    quantity: str
    """Key of the metric that is modelled."""
    title: str
    unit: str
    rows: tuple[CostRow, ...]
    fit: Fit
    recipes: dict[str, Recipe]
    """By arm: how it is priced. The informer's names its start, too."""
    units: tuple[UnitCost, ...]
    goodness: tuple[Goodness, ...]
    ranges: Ranges
    start_from: str | None
    """Whose reads price a start, or ``None``: it was measured itself, or is left out."""
    reference: Question
    """The situation to speak of: the largest measured, with the fewest replicas."""
    break_evens: tuple[BreakEven, ...] = ()
    """For each number of pods, churn and replicas that was asked for."""

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
        """Return what ``arm`` costs per second."""
        return self.fit.estimate(self.form(arm, question))

    def break_even(
        self, reader: str, question: Question, confidence: float = CONFIDENCE
    ) -> BreakEven:
        """Return from which read rate on the informer costs less than ``reader``.

        ``question``'s own rate is not looked at.
        """
        one = Question(1.0, question.pods, 0.0, 0.0, question.lifetime_s)
        forms = self.form(INFORMER, question), self.form(reader, one)
        found = self.ratio(*forms, confidence)
        # A rate is not negative.
        rate, low, high = (None if end is None else max(0.0, end) for end in found)
        if low is None and self.fit.quantile(forms, confidence) is not None:
            low = 0.0
        place = (question.pods, question.churn_per_s, question.replicas)
        return BreakEven(reader, *place, rate, low, high)

    def ratio(
        self, above: Floats, below: Floats, confidence: float
    ) -> tuple[float | None, float | None, float | None]:
        """Return form ``above`` over form ``below`` with its ends by Fieller, ``None`` for none."""
        numerator, denominator = self.fit.value(above), self.fit.value(below)
        value = numerator / denominator if denominator > 0 else None
        variances = [self.fit.product(form, form) for form in (above, below)]
        covariance = self.fit.product(above, below)
        quantile = self.fit.quantile([above, below], confidence)
        if quantile is None or covariance is None:
            return value, None, None
        own, other = (variance or 0.0 for variance in variances)
        low, high = fieller(
            numerator,
            denominator,
            variances=(own, other),
            covariance=covariance,
            quantile=quantile,
        )
        return value, low, high
