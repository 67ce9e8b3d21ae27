"""Warnings as values: reasons to read a figure with care."""

from dataclasses import dataclass
from enum import StrEnum


class CaveatKind(StrEnum):
    """The closed set of reasons to read a figure with care."""

    FAILED_REQUESTS = "failed requests"
    DROPPED_ARRIVALS = "dropped arrivals"
    GENERATOR_SATURATED = "load generator saturated"
    GENERATOR_LATE = "load generator late"
    MACHINE_SATURATED = "machine saturated"
    RATE_NOT_REACHED = "offered rate not reached"
    CHURN_NOT_REACHED = "churn rate not reached"
    LEDGERS_DISAGREE = "ledgers disagree"
    LEDGER_MISSING = "a ledger is missing"
    NOT_DRAINED = "not drained at a mark"
    TOO_FEW_SAMPLES = "too few samples"
    TOO_FEW_ROUNDS = "too few rounds"
    TRIAL_FAILED = "trial failed"
    RUN_INCOMPLETE = "run incomplete"
    ANSWERS_DIFFER = "answers differ"
    WRONG_ANSWERS = "wrong answers under load"
    ANSWERS_UNCHECKED = "answers not compared"
    OTHER_CONTRACT = "answers of another contract"
    VERSION_MISSING = "answers without a version"
    NOISY_MACHINE = "noisy machine"
    CONTROL_FIRED = "control fired"
    METRIC_MISSING = "metric missing"
    TABLE_MISSING = "tables missing"
    API_SERVER_RESTARTED = "API server restarted"
    STALE_ANSWERS = "stale answers"
    NOT_INTERLEAVED = "exploratory: not interleaved"
    OBSERVER_EFFECT = "observers' effect"
    CLOCK_STEPPED = "wall clock stepped"
    FAULT = "fault put in on purpose"
    UNLIKE_ENVIRONMENT = "unlike environments"
    EXISTING_CLUSTER = "somebody's cluster"
    REPLICAS_NOT_AS_PLANNED = "replicas not as planned"
    CLIENT_REFUSED = "client refused by RBAC"
    CLIENT_NEVER_QUIET = "client never quiet"
    CLIENT_WROTE = "client wrote to the population"
    CLOCKS_APART = "clocks of load workers"
    MALFORMED_MESSAGES = "malformed messages to load workers' port"


@dataclass(frozen=True, slots=True)
class Caveat:
    """A warning for the report: its kind, its text, and the place that it applies to."""

    kind: CaveatKind
    text: str
    scenario: str | None = None
    server: str | None = None
    round: int | None = None
