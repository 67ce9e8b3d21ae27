"""Whether the servers' answers were the same."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Answer:
    """One query of the equality phase: what was asked and how the servers' answers differed."""

    path: str
    equal: bool
    attempts: int
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EqualityRecord:
    """``equality.json``: whether the routes were identical, query by query, with churn stopped."""

    schema: int
    servers: tuple[str, ...]
    resource_version: str
    answers: tuple[Answer, ...] = field(default_factory=tuple)
    without_version: tuple[str, ...] = ()
    """Servers whose answers name no ``X-Resource-Version``: asked until they answered alike."""

    @property
    def equal(self) -> bool:
        """Whether every query was answered alike by every server."""
        return all(answer.equal for answer in self.answers)
