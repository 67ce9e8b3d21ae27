"""From a TOML file to rules; an error names line, key and the nearest valid one."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from bench.analysis.metrics import METRICS, REQUESTS
from bench.gate.rules import BASELINE, Rule, Rules
from bench.plan.toml_schema import (
    Key,
    Table,
    TomlFile,
    flag_of,
    name_of,
    nearest,
    number_of,
    text_of,
)

SHIPPED = "bench.gate.shipped"

KEYS = {metric.key: metric for metric in METRICS}
PER_1000 = tuple(key for key, metric in KEYS.items() if metric is REQUESTS or metric.needs_rate)


class RulesError(Exception):
    """Rules that cannot be used; the text says where and what would be valid."""


def rules_names() -> list[str]:
    """Return the names of the rules files that come with the project."""
    files = (entry.name for entry in resources.files(SHIPPED).iterdir())
    return sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))


def read_rules(name_or_file: str) -> Rules:
    """Read rules by their name, or from a ``.toml`` file; raise ``RulesError`` if not valid."""
    if name_or_file.endswith(".toml"):
        try:
            text = Path(name_or_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RulesError(f"cannot read the rules {name_or_file}: {error}") from error
        return parse_rules(text, name_or_file)
    if name_or_file not in rules_names():
        raise RulesError(
            f"there are no rules {name_or_file!r}{nearest(name_or_file, rules_names())}; "
            f"there are {', '.join(rules_names())}, or give a file that ends in .toml"
        )
    file = resources.files(SHIPPED) / f"{name_or_file}.toml"
    return parse_rules(file.read_text(encoding="utf-8"), f"{name_or_file}.toml")


def parse_rules(text: str, source: str) -> Rules:
    """Validate the TOML ``text``; ``source`` is its name in errors."""
    file = TomlFile(text, source, RulesError)
    head = file.head(_HEAD, "a rules file")
    tables = file.tables("rules", _RULE, "a rule")
    if not tables:
        raise head.error("rules", "a rules file needs at least one [[rules]] table")
    rules: list[Rule] = []
    for table in tables:
        rule = table.build(Rule)
        _check(rule, table)
        if rule.name in [other.name for other in rules]:
            raise table.error("name", f"two rules are called {rule.name!r}")
        rules.append(rule)
    return head.build(Rules, rules=tuple(rules))


def _check(rule: Rule, table: Table) -> None:
    if rule.metric not in KEYS:
        raise table.error(
            "metric",
            f"there is no metric {rule.metric!r}{nearest(rule.metric, KEYS)}; "
            f"there are {', '.join(KEYS)}",
        )
    if rule.per_1000 and rule.metric not in PER_1000:
        raise table.error(
            "per_1000",
            f"{rule.metric!r} is not stated per 1,000 reads; these are: {', '.join(PER_1000)}",
        )
    if rule.against == rule.arm:
        raise table.error("against", f"{rule.arm!r} cannot be compared with itself")
    limits = [limit for limit in (rule.at_most, rule.at_least) if limit is not None]
    if len(limits) > 1:
        raise table.error("at_least", "a rule has one limit: 'at_most' or 'at_least', not both")
    if not limits and not rule.needs_baseline:
        raise table.error("arm", "a rule needs a limit: 'at_most' or 'at_least'")
    if limits and rule.against is not None and limits[0] <= 0:
        key = "at_most" if rule.at_most is not None else "at_least"
        raise table.error(key, f"{key!r} is a factor here, and must be above 0")


def _looks(value: Any) -> tuple[int, ...]:  # noqa: ANN401 - any TOML value
    whole = number_of(2, 100, whole=True)
    if not isinstance(value, list) or not 1 <= len(value) <= 10:
        raise TypeError
    looks = tuple(whole(entry) for entry in value)
    if list(looks) != sorted(set(looks)):
        raise ValueError
    return looks


_LIMIT = number_of(-1e15, 1e15, whole=False)

_HEAD: Mapping[str, Key] = {
    "name": Key("a name of lower-case letters, digits and hyphens", name_of),
    "description": Key("a sentence", text_of),
    "looks": Key("a list of rounds from 2 to 100, each more than the one before", _looks),
    "error_budget": Key("a share from 0.001 to 0.1", number_of(0.001, 0.1, whole=False)),
    "rules": Key("[[rules]] tables", lambda value: value),
}
_RULE: Mapping[str, Key] = {
    "name": Key("a sentence that says what must hold", text_of),
    "scenario": Key("the name of a scenario of the plan", name_of),
    "arm": Key("the name of a server of the plan", name_of),
    "metric": Key("the key of a metric", text_of),
    "per_1000": Key("true or false: per 1,000 answered reads?", flag_of),
    "against": Key(f"the name of another arm, or {BASELINE!r}", name_of),
    "at_most": Key("a number: the most that is right", _LIMIT),
    "at_least": Key("a number: the least that is right", _LIMIT),
    "relative": Key(
        "a share from 0 to 10: how far beyond is tolerated", number_of(0, 10, whole=False)
    ),
    "absolute": Key(
        "a number from 0, in the metric's unit: how far beyond is tolerated",
        number_of(0, 1e15, whole=False),
    ),
}
