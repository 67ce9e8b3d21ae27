"""Rules as data: what must hold, how far off is tolerated, and when is looked."""

from dataclasses import dataclass

BASELINE = "baseline"
"""What a rule is ``against`` when it is about the same arm in another run."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold.

    Without ``against`` it is about the arm's own value in the metric's unit; with the
    name of another arm about the factor arm / other; with ``"baseline"`` about the
    factor this run / baseline run, whose limit is 1 unless one is given. ``at_most``
    and ``at_least`` are the limit, ``relative`` and ``absolute`` (in the metric's unit)
    the margin around it.
    """

    name: str
    scenario: str
    arm: str
    metric: str
    per_1000: bool = False
    against: str | None = None
    at_most: float | None = None
    at_least: float | None = None
    relative: float = 0.0
    absolute: float = 0.0

    @property
    def needs_baseline(self) -> bool:
        """Whether another run is needed to judge this rule."""
        return self.against == BASELINE


@dataclass(frozen=True, slots=True)
class Rules:
    """A rules file: the rules, the rounds at which is looked, and the error budget."""

    name: str
    description: str
    rules: tuple[Rule, ...]
    looks: tuple[int, ...] = (6, 9, 12)
    """Rounds after which the rules are judged; the last is the most that is ever bought."""
    error_budget: float = 0.03
    """Share of wrong decisions of one rule over all looks together."""

    @property
    def confidence(self) -> float:
        """Return the confidence of one look: the budget is shared out evenly (Bonferroni)."""
        return 1 - self.error_budget / len(self.looks)

    def next_look(self, rounds: int) -> int | None:
        """Return at how many rounds is looked next; ``None`` when ``rounds`` reached the last."""
        return next((look for look in self.looks if look > rounds), None)
