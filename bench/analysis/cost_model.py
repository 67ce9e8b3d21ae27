"""The cost of a read and of an event, and the read rate above which an informer pays off.

A server that asks on every read costs reads x (a + b x pods) per second. An informer costs,
for each replica, churn x the cost of an event, and its start (one list) spread over its
lifetime; reads cost it nothing. Costs are linear in the fitted unit costs, so each has an
interval as a linear form of them, and the break-even rate is a ratio of two such forms.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from bench.stats import CONFIDENCE, Estimate, fieller
from bench.stats.least_squares import Fit, Floats

LIFETIME_S = 3600.0
"""Default lifetime of a replica, over which the cost of its start is spread."""
INFORMER = "informer"
READERS = ("direct", "direct-rv0")
"""Arms that ask the API server once for each read; the model prices no other."""
START = "informer's start"
"""Stands for the arm in rows that hold the cost of a start."""


@dataclass(frozen=True, slots=True)
class Question:
    """A situation to be priced. ``reads_per_s`` is the sum over all replicas."""

    reads_per_s: float
    pods: float
    churn_per_s: float
    replicas: float = 1.0
    lifetime_s: float = LIFETIME_S


class Factor(StrEnum):
    """Multiplier of a unit cost. The calculator's script uses the same five names."""

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
"""The terms of an arm's cost: index of a unit cost among the coefficients, and its factor."""


@dataclass(frozen=True, slots=True)
class CostRow:
    """One trial: its load, and its cost per second above the floor.

    ``reads_per_s`` and ``churn_per_s`` are achieved rates between the marks, as costs are, not
    planned ones; ``window_rps`` counts the reads over the window alone: the offered rate, if it
    was reached. ``replicas`` counts caches: each worker of a replica has one. The row of a start
    is of the starts of all of them.
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
        """Scenario and round: rows of one block share a floor."""
        return self.scenario, self.round


@dataclass(frozen=True, slots=True)
class UnitCost:
    """One fitted coefficient: its arm, its unit, and its value by each round alone."""

    arm: str
    title: str
    per: str
    estimate: Estimate
    freedom: float | None
    """Degrees of freedom of its interval."""
    by_round: dict[int, float]


@dataclass(frozen=True, slots=True)
class Goodness:
    """Goodness of fit of an arm's rows.

    ``r_squared`` is 1 - residual / total sum of squares about the mean, ``None`` where all
    rows are of one scenario, and so of the same load. ``residual_sd`` is in the quantity's
    unit. ``typical`` is the median of |residual| / cost, over rows with a cost above 0.
    """

    arm: str
    rows: int
    coefficients: int
    r_squared: float | None
    residual_sd: float | None
    typical: float | None
    lack_of_fit: float | None
    """p-value; small: the model does not fit the measurements."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """Smallest and largest measured values; an answer outside of them is an extrapolation."""

    reads_per_s: tuple[float, float]
    pods: tuple[float, float]
    churn_per_s: tuple[float, float]
    replicas: tuple[float, float]
    """Of the informer; each worker of a replica counts as one, because it has its own cache."""
    reads_pods: float
    """The largest reads/s x pods that was measured."""


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The read rate above which the informer costs less than ``reader``, in one situation.

    ``rate`` is ``None`` where a read's cost is not above 0, ``high`` where the interval has no
    upper end, ``low`` where no error is known. ``never``: even the upper bound of a read's cost is
    not above 0, so that an informer pays off at no rate.
    """

    reader: str
    pods: float
    churn_per_s: float
    replicas: float
    rate: float | None
    low: float | None
    high: float | None
    never: bool = False


@dataclass(frozen=True, slots=True)
class Unfitted:
    """A quantity without a model, and the reason: the measurement that the run lacks."""

    quantity: str
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class CostModel:
    """The unit costs of one quantity, and the costs and break-even rates derived from them."""

    quantity: str
    """Key of the metric that is modelled."""
    title: str
    unit: str
    rows: tuple[CostRow, ...]
    fit: Fit
    recipes: dict[str, Recipe]
    """By arm. The informer's includes its start."""
    units: tuple[UnitCost, ...]
    goodness: tuple[Goodness, ...]
    ranges: Ranges
    start_from: str | None
    """Arm whose reads price a start, or ``None``: it was measured itself, or is left out."""
    reference: Question
    """Situation that sentences refer to: the largest measured, with the fewest replicas."""
    break_evens: tuple[BreakEven, ...] = ()
    """For each planned number of pods, churn and replicas."""

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
        """Return the multiplier of each unit cost (k) in the cost of ``arm``."""
        values = factors(question)
        form = np.zeros(len(self.fit.coefficients))
        for index, factor in self.recipes[arm]:
            form[index] += values[factor]
        return form

    def cost(self, arm: str, question: Question) -> Estimate:
        """Return the cost of ``arm`` per second."""
        return self.fit.estimate(self.form(arm, question))

    def break_even(
        self, reader: str, question: Question, confidence: float = CONFIDENCE
    ) -> BreakEven:
        """Return the read rate that is break-even with ``reader``; ignores that of ``question``."""
        one_read = Question(1.0, question.pods, 0.0, 0.0, question.lifetime_s)
        forms = self.form(INFORMER, question), self.form(reader, one_read)
        ratio = self.ratio(*forms, confidence)
        # A rate is not negative.
        rate, low, high = (None if end is None else max(0.0, end) for end in ratio)
        if low is None and self.fit.quantile(forms, confidence) is not None:
            low = 0.0
        situation = (question.pods, question.churn_per_s, question.replicas)
        most = self.fit.estimate(forms[1], confidence).high
        return BreakEven(reader, *situation, rate, low, high, most is not None and most <= 0)

    def writes_per_read(
        self, reader: str, pods: float
    ) -> tuple[float | None, float | None, float | None]:
        """Return how many events of one replica cost as much as a read, and its bounds."""
        read = self.form(reader, Question(1.0, pods, 0.0, 0.0))
        event = self.form(INFORMER, Question(0.0, pods, 1.0, lifetime_s=math.inf))
        return self.ratio(read, event, CONFIDENCE)

    def ratio(
        self, above: Floats, below: Floats, confidence: float
    ) -> tuple[float | None, float | None, float | None]:
        """Return form ``above`` over form ``below`` and its bounds by Fieller; ``None``: none."""
        numerator, denominator = self.fit.value(above), self.fit.value(below)
        value = numerator / denominator if denominator > 0 else None
        variances = [self.fit.product(form, form) for form in (above, below)]
        covariance = self.fit.product(above, below)
        quantile = self.fit.quantile([above, below], confidence)
        if quantile is None or covariance is None:
            return value, None, None
        of_above, of_below = (variance or 0.0 for variance in variances)
        low, high = fieller(
            numerator,
            denominator,
            variances=(of_above, of_below),
            covariance=covariance,
            quantile=quantile,
        )
        return value, low, high
