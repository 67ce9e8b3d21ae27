"""Rules as data: what must hold, within which margin, and after how many rounds.

They come from a TOML file; an error names line, key and the nearest valid one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from importlib import resources
from typing import Annotated

from msgspec import Meta

from bench.analysis.request_bill import VERSIONS
from bench.metrics import BY_KEY, View, of_view
from bench.model import BASE
from bench.plan.toml_schema import Key, Name, Text, TomlFile, names_in, nearest, number, text_of

SHIPPED = resources.files("bench.gate") / "shipped"
AGAINST_BASE = "base"
"""Value of ``against`` in a rule about the same server of another checkout."""


class Of(StrEnum):
    """The kind of figure that a rule is about."""

    FIGURE = "figure"
    """A metric of an arm in a scenario."""
    UNIT_COST = "unit-cost"
    """A fitted unit cost of a metric: of one read, one write, one start."""
    BREAK_EVEN = "break-even"
    """The reads per second above which the informer costs less of a metric than the arm."""
    PER_REPLICA = "per-replica"
    """The increase of a metric of an arm by each further replica."""
    REQUESTS = "requests"
    """Requests of an arm's account in a round, of one verb or resource or all."""


ANY = "*"
PHASES = ("start", "window")
VERBS = (
    *("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"),
    *("post", "put", "head", "options"),
)
"""Verbs of an audit log; the last are of paths that are no resources."""
METRICS: Mapping[Of, tuple[str, ...]] = {
    Of.FIGURE: tuple(BY_KEY),
    Of.UNIT_COST: tuple(metric.key for metric, _ in of_view(View.MODEL)),
    Of.BREAK_EVEN: tuple(metric.key for metric, _ in of_view(View.MODEL)),
    Of.PER_REPLICA: tuple(metric.key for metric, _ in of_view(View.REPLICAS)),
    Of.REQUESTS: PHASES,
}
PER_1000 = tuple(key for key, metric in BY_KEY.items() if metric.per_read)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold.

    Without ``against`` it is about the arm's own value in the metric's unit; with the name of
    another arm about the factor arm / other; with ``"base"`` about the factor arm / the same
    server of the other checkout, whose limit is 1 unless one is given. ``at_most`` and
    ``at_least`` are the limit, ``relative`` and ``absolute`` (in the metric's unit) the margin
    around it. Only rules about a figure may have ``against``.
    """

    name: str
    metric: str
    arm: str | None = None
    """``None``, against the base: each server that the base also has."""
    scenario: str | None = None
    """Of a figure, or one of the scenarios whose replicas vary; ``None``, against the base: all."""
    per_1000: bool = False
    against: str | None = None
    at_most: float | None = None
    at_least: float | None = None
    relative: float = 0.0
    absolute: float = 0.0
    of: Of = Of.FIGURE
    per: str | None = None
    """Of a unit cost: read, write, start, or "pod in a read"."""
    verb: str = ANY
    """Of requests, whose metric is the phase; a pattern, as are those below."""
    resource: str = ANY
    version: str = ANY

    @property
    def needs_base(self) -> bool:
        """Whether the run must have measured another checkout for this rule to be judged."""
        return self.against == AGAINST_BASE

    @property
    def other(self) -> str | None:
        """The arm that its arm is compared with."""
        return f"{self.arm}{BASE}" if self.needs_base else self.against


@dataclass(frozen=True, slots=True)
class Rules:
    """A rules file: the rules, the looks (numbers of rounds), and the error budget."""

    name: str
    description: str
    rules: tuple[Rule, ...]
    looks: tuple[int, ...] = (6, 9, 12)
    """Rounds after which the rules are judged; the last is the most that may be bought."""
    error_budget: float = 0.03
    """Share of wrong decisions of one rule over all looks together."""

    @property
    def confidence(self) -> float:
        """The confidence of one look: looks share the budget evenly (Bonferroni)."""
        return 1 - self.error_budget / len(self.looks)

    def next_look(self, rounds: int) -> int | None:
        """Return the rounds of the next look; ``None`` when ``rounds`` reached the last."""
        return next((look for look in self.looks if look > rounds), None)


class RulesError(Exception):
    """Raised when rules are invalid; the message names the place and the valid values."""


def rules_names() -> list[str]:
    """Return the names of the shipped rules files."""
    return names_in(SHIPPED)


def read_rules(name_or_file: str) -> Rules:
    """Read rules by their name, or from a ``.toml`` file; raise ``RulesError`` if not valid."""
    text = text_of(name_or_file, SHIPPED, "the rules", "there are no rules", RulesError)
    return parse_rules(text, f"{name_or_file.removesuffix('.toml')}.toml")


def parse_rules(text: str, source: str) -> Rules:
    """Validate the TOML ``text``; ``source`` is its name in errors."""
    file = TomlFile(text, source, RulesError)
    head = file.head(_HEAD, "a rules file", ["rules"])
    tables = file.tables("rules", _RULE, "a rule")
    if not tables:
        raise head.error("rules", "a rules file needs at least one [[rules]] table")
    rules: list[Rule] = []
    for table in tables:
        rule = table.build(Rule)
        for key, flaw in _flaws(rule):
            raise table.error(key, flaw)
        if rule.name in [other.name for other in rules]:
            raise table.error("name", f"two rules are called {rule.name!r}")
        rules.append(rule)
    built = head.build(Rules, rules=tuple(rules))
    if list(built.looks) != sorted(set(built.looks)):
        raise head.error("looks", f"'looks' takes {_HEAD['looks'].takes}, not {built.looks}")
    return built


def _flaws(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield flaws in the combination of keys: the key at fault, and what would be valid."""
    known = METRICS[rule.of]
    if rule.metric not in known:
        kind = "metric" if rule.of is Of.FIGURE else f"{rule.of} of"
        near = nearest(rule.metric, known)
        yield "metric", f"there is no {kind} {rule.metric!r}{near}; there are {', '.join(known)}"
    yield from _of_figure(rule) if rule.of is Of.FIGURE else _of_derived(rule)
    yield from _of_requests(rule)
    limits = {key: getattr(rule, key) for key in ("at_most", "at_least")}
    stated = {key: limit for key, limit in limits.items() if limit is not None}
    if len(stated) > 1:
        yield "at_least", "a rule has one limit: 'at_most' or 'at_least', not both"
    if rule.arm is None and not rule.needs_base:
        yield "arm", f"a rule needs 'arm': {_RULE['arm'].takes}"
    if not stated and not rule.needs_base:
        yield "arm", "a rule needs a limit: 'at_most' or 'at_least'"
    for key, limit in stated.items():
        if rule.against is not None and limit <= 0:
            yield key, f"{key!r} is a factor here, and must be above 0"


def _of_requests(rule: Rule) -> Iterator[tuple[str, str]]:
    if rule.of is not Of.REQUESTS:
        for key in ("verb", "resource", "version"):
            if getattr(rule, key) != ANY:
                yield key, f'{key!r} belongs to a rule with of = "{Of.REQUESTS}"'
        return
    limit = re.findall(r"\d+", rule.version)[-1:] or ["500"]
    paged = [f"{version}, limit {limit[0]}" for version in VERSIONS]
    for key, valid, more in (("verb", VERBS, ()), ("version", VERSIONS, paged)):
        pattern = getattr(rule, key)
        if not any(fnmatchcase(word, pattern) for word in (*valid, *more)):
            near = nearest(pattern, valid)
            yield key, f"there is no {key} {pattern!r}{near}; there are {', '.join(valid)}"
    for key in ("at_most", "at_least"):
        if (getattr(rule, key) or 0) < 0:
            yield key, f"{key!r} counts requests here, and must be from 0"


def _of_figure(rule: Rule) -> Iterator[tuple[str, str]]:
    if rule.scenario is None and not rule.needs_base:
        yield "scenario", f"a rule needs 'scenario': {_RULE['scenario'].takes}"
    if rule.per is not None:
        yield "per", f"'per' belongs to a rule with of = \"{Of.UNIT_COST}\""
    if rule.per_1000 and rule.metric not in PER_1000:
        stated = ", ".join(PER_1000)
        text = f"{rule.metric!r} is not stated per 1,000 reads; these are: {stated}"
        yield "per_1000", text
    if rule.against == rule.arm:
        yield "against", f"{rule.arm!r} cannot be compared with itself"


def _of_derived(rule: Rule) -> Iterator[tuple[str, str]]:
    for key in ("against", "per_1000"):
        if getattr(rule, key):
            text = f'a rule with of = "{rule.of}" is about its own value: it has no {key!r}'
            yield key, text
    if (rule.per is None) == (rule.of is Of.UNIT_COST):
        text = f"a rule with of = \"{Of.UNIT_COST}\", and no other, has 'per'"
        yield "per", f"{text}: {_RULE['per'].takes}"


_LIMIT = Annotated[float, Meta(ge=-1e15, le=1e15, description="a number")]
_MARGIN = Annotated[float, Meta(ge=0, le=1e15, description="a number from 0")]
_ROUNDS = Annotated[int, Meta(ge=2, le=100)]
_LOOKS = Annotated[
    tuple[_ROUNDS, ...],
    Meta(
        min_length=1,
        max_length=10,
        description="a list of rounds from 2 to 100, each more than the one before",
    ),
]

_HEAD: Mapping[str, Key] = {
    "name": Key(Name, "the name of the rules", '"mine"'),
    "description": Key(Text, "one sentence: what they protect", '"Reads stay cheap."'),
    "looks": Key(_LOOKS, "rounds after which the rules are judged", "[6, 9, 12]"),
    "error_budget": Key(
        number(0.001, 0.1), "share of wrong decisions of one rule over all looks", "0.03"
    ),
}
_RULE: Mapping[str, Key] = {
    "name": Key(Text, "what must hold", '"The informer sends no request"'),
    "scenario": Key(Name, "a scenario of the plan; left out, against the base: each", '"steady"'),
    "arm": Key(Name, "a server of the plan; left out, against the base: each", '"informer"'),
    "metric": Key(Text, "the key of a metric; of requests: start or window", '"api_requests"'),
    "per_1000": Key(bool, "whether it is stated per 1,000 answered reads", "true"),
    "against": Key(
        Name, f"another arm, or {AGAINST_BASE}: the same server of the other checkout", '"direct"'
    ),
    "at_most": Key(_LIMIT, "the upper limit", "0.5"),
    "at_least": Key(_LIMIT, "the lower limit", "2"),
    "relative": Key(number(0, 10), "the margin around the limit, as a share", "0.05"),
    "absolute": Key(_MARGIN, "the margin around the limit, in the metric's unit", "1.5"),
    "of": Key(Of, "the kind of figure that the rule is about", '"break-even"'),
    "per": Key(Text, 'the unit of a unit cost: read, write, start, "pod in a read"', '"read"'),
    "verb": Key(Text, "of requests: a verb; * stands for anything", '"list"'),
    "resource": Key(Text, "of requests: a resource with its group", '"deployments.apps"'),
    "version": Key(Text, "of requests: the form of resourceVersion", '"unset*"'),
}
