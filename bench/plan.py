"""From a TOML file to a validated plan, and from a plan to its interleaved trials.

An error names the file, the line, the key and the nearest valid one. Nothing is
run here.
"""

import difflib
import random
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from bench.model import AGAIN, NO_SERVER, Arrivals, Plan, Scenario, Trial

SECONDS_BESIDE_A_TRIAL = 9.0
"""Start of the server, pauses at the marks, scrapes, the check after the window, stop."""
SECONDS_BESIDE_THE_TRIALS = 30.0
"""Control plane, population, equality phase, report."""

T = TypeVar("T")

NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


class PlanError(Exception):
    """A plan that cannot be run; the text says where and what would be valid."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that a plan may use for servers and routes."""

    servers: Collection[str]
    routes: Collection[str]


def plan_names() -> list[str]:
    """Return the names of the plans that come with the project."""
    files = (entry.name for entry in resources.files("bench.plans").iterdir())
    return sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))


def read_plan(name_or_file: str, vocabulary: Vocabulary) -> Plan:
    """Read a plan by its name, or from a ``.toml`` file; raise ``PlanError`` if it is not valid."""
    source = name_or_file if name_or_file.endswith(".toml") else f"{name_or_file}.toml"
    return parse_plan(plan_source(name_or_file), source, vocabulary)


def plan_source(name_or_file: str) -> str:
    """Return the TOML text of a plan; raise ``PlanError`` if there is no such plan."""
    if name_or_file.endswith(".toml"):
        try:
            return Path(name_or_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PlanError(f"cannot read the plan {name_or_file}: {error}") from error
    if name_or_file not in plan_names():
        raise PlanError(
            f"there is no plan {name_or_file!r}{_nearest(name_or_file, plan_names())}; "
            f"there are {', '.join(plan_names())}, or give a file that ends in .toml"
        )
    file = resources.files("bench.plans") / f"{name_or_file}.toml"
    return file.read_text(encoding="utf-8")


def parse_plan(text: str, source: str, vocabulary: Vocabulary) -> Plan:
    """Validate the TOML ``text``; ``source`` is its name in errors."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"{source}: not valid TOML: {error}") from error
    head = _Table(document, _Locator(source, text, table=None), _HEAD, "a plan")
    raw = document.get("scenarios", [])
    if not isinstance(raw, list) or not all(isinstance(entry, dict) for entry in raw):
        raise head.error("scenarios", "scenarios are written as [[scenarios]] tables")
    scenarios = tuple(
        _Table(
            entry, _Locator(source, text, table=number), _scenario_keys(vocabulary), "a scenario"
        ).build(Scenario)
        for number, entry in enumerate(raw)
    )
    plan = head.build(Plan, scenarios=scenarios)
    _check_whole(plan, head, vocabulary)
    return plan


def trials(plan: Plan) -> tuple[Trial, ...]:
    """Return the plan's trials in the order in which they are run.

    Rounds are the outer loop. Within a round and scenario the arms, a control
    among them, come in an order drawn from the seed; every second round takes the
    order of the one before backwards (ABBA), so that a steady drift of the machine
    cancels. A plan with more rounds begins with the very trials of one with fewer.
    """
    return tuple(
        Trial(order, scenario, server, number)
        for order, (number, scenario, server) in enumerate(_interleaved(plan))
    )


def predicted_s(plan: Plan) -> float:
    """Return about how long a run takes once environment and binaries are cached, in seconds."""
    trial_s = plan.warmup_s + plan.duration_s + SECONDS_BESIDE_A_TRIAL
    return len(trials(plan)) * trial_s + SECONDS_BESIDE_THE_TRIALS


def _interleaved(plan: Plan) -> Iterator[tuple[int, str, str]]:
    rng = random.Random(f"order/{plan.seed}")
    orders = {scenario.name: list(plan.arms(scenario)) for scenario in plan.scenarios}
    for number in range(1, plan.rounds + 1):
        for scenario in plan.scenarios:
            order = orders[scenario.name]
            if number % 2 == 1:
                rng.shuffle(order)
            else:
                order.reverse()
            yield from ((number, scenario.name, arm) for arm in order)


@dataclass(frozen=True, slots=True)
class _Key:
    """What one key takes: ``check`` returns the value as the model wants it or raises."""

    takes: str
    check: Callable[[Any], Any]


def _number(low: float, high: float, *, whole: bool) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:  # noqa: ANN401 - any TOML value
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise TypeError
        if not low <= value <= high:
            raise ValueError
        return value if whole else float(value)

    return check


def _text(value: Any) -> str:  # noqa: ANN401 - any TOML value
    if not isinstance(value, str) or not value.strip():
        raise TypeError
    return value


def _flag(value: Any) -> bool:  # noqa: ANN401 - any TOML value
    if not isinstance(value, bool):
        raise TypeError
    return value


def _name(value: Any) -> str:  # noqa: ANN401 - any TOML value
    if not NAME.fullmatch(_text(value)):
        raise ValueError
    return str(value)


def _names(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - any TOML value
    if not isinstance(value, list) or not value:
        raise TypeError
    return tuple(_name(entry) for entry in value)


_HEAD: Mapping[str, _Key] = {
    "name": _Key("a name of lower-case letters, digits and hyphens", _name),
    "description": _Key("a sentence", _text),
    "seed": _Key("a whole number from 0", _number(0, 2**63 - 1, whole=True)),
    "servers": _Key("a list of server names", _names),
    "rounds": _Key("a whole number from 1 to 100", _number(1, 100, whole=True)),
    "warmup_s": _Key("seconds as a number from 0 to 600", _number(0, 600, whole=False)),
    "duration_s": _Key("seconds as a number from 1 to 3600", _number(1, 3600, whole=False)),
    "control": _Key("the name of the server that is measured twice", _name),
    "cooldown_s": _Key("seconds as a number from 0 to 600", _number(0, 600, whole=False)),
    "scenarios": _Key("[[scenarios]] tables", lambda value: value),
}


def _scenario_keys(vocabulary: Vocabulary) -> Mapping[str, _Key]:
    def route(value: Any) -> str:  # noqa: ANN401 - any TOML value
        if value not in vocabulary.routes:
            raise ValueError
        return str(value)

    return {
        "name": _Key("a name of lower-case letters, digits and hyphens", _name),
        "route": _Key(f"one of {', '.join(sorted(vocabulary.routes))}", route),
        "users": _Key("a whole number from 1 to 1000", _number(1, 1000, whole=True)),
        "pods": _Key("a whole number from 1 to 50000", _number(1, 50_000, whole=True)),
        "rate_rps": _Key(
            "requests a second as a number from 0.1 to 100000 (left out: the closed model)",
            _number(0.1, 100_000, whole=False),
        ),
        "churn_per_s": _Key(
            "writes a second as a number from 0 to 1000", _number(0, 1000, whole=False)
        ),
        "arrivals": _Key(f"one of {', '.join(Arrivals)} (of the open model)", Arrivals),
        "probe": _Key("true or false: do freshness probe and bystander run?", _flag),
        "control": _Key("true or false: is the plan's control measured here?", _flag),
    }


class _Table:
    """One table of the file against the keys that it may have."""

    def __init__(
        self,
        values: Mapping[str, Any],
        locator: "_Locator",
        keys: Mapping[str, _Key],
        what: str,
    ) -> None:
        self._values = values
        self._locator = locator
        self._keys = keys
        self._what = what
        for key in values:
            if key not in keys:
                valid = ", ".join(keys)
                raise self.error(
                    key, f"{what} has no key {key!r}{_nearest(key, keys)}; its keys are {valid}"
                )

    def build(self, model: type[T], **given: Any) -> T:  # noqa: ANN401 - fields of the model
        """Check every value and return the dataclass ``model`` made of them."""
        checked = dict(given)
        for spec in fields(model):  # type: ignore[arg-type]  # T is a dataclass
            if spec.name in given:
                continue
            if spec.name in self._values:
                checked[spec.name] = self._checked(spec.name)
            elif spec.default is MISSING:
                key = self._keys[spec.name]
                raise PlanError(
                    f"{self._locator.table_place()}: {self._what} needs {spec.name!r}: {key.takes}"
                )
        return model(**checked)

    def _checked(self, name: str) -> Any:  # noqa: ANN401 - any TOML value
        key, value = self._keys[name], self._values[name]
        try:
            return key.check(value)
        except (ValueError, TypeError):
            raise self.error(name, f"{name!r} takes {key.takes}, not {value!r}") from None

    def error(self, key: str, text: str) -> PlanError:
        """Return the error that points at ``key``."""
        return PlanError(f"{self._locator.place(key)}: {text}")


class _Locator:
    """Finds the line on which a key stands, which tomllib does not tell."""

    def __init__(self, source: str, text: str, table: int | None) -> None:
        self._source = source
        self._lines = text.splitlines()
        headers = [n for n, line in enumerate(self._lines) if line.lstrip().startswith("[")]
        tables = [n for n in headers if re.match(r"\s*\[\[\s*scenarios\s*\]\]", self._lines[n])]
        if table is None or table >= len(tables):
            self._first, self._last = 0, headers[0] if headers else len(self._lines)
        else:
            self._first = tables[table]
            self._last = next((n for n in headers if n > self._first), len(self._lines))

    def place(self, key: str) -> str:
        """Return ``file:line`` of the key, or of its table if the key is not found."""
        pattern = re.compile(rf"""\s*(\[+\s*)?["']?{re.escape(key)}["']?\s*([=.\]])""")
        for number in range(self._first, self._last):
            if pattern.match(self._lines[number]):
                return f"{self._source}:{number + 1}"
        for number, line in enumerate(self._lines):
            if pattern.match(line):
                return f"{self._source}:{number + 1}"
        return self.table_place()

    def table_place(self) -> str:
        """Return ``file:line`` of the table's first line."""
        return f"{self._source}:{self._first + 1}"


def _check_whole(plan: Plan, head: _Table, vocabulary: Vocabulary) -> None:
    if not plan.scenarios:
        raise head.error("scenarios", "a plan needs at least one [[scenarios]] table: no trials")
    known = {NO_SERVER, *vocabulary.servers}
    for server in plan.servers:
        if server not in known:
            raise head.error(
                "servers",
                f"there is no server {server!r}{_nearest(server, known)}; "
                f"there are {', '.join(sorted(known))}",
            )
    if set(plan.servers) == {NO_SERVER}:
        raise head.error("servers", f"{NO_SERVER!r} alone measures nothing: name a server")
    _check_control(plan, head)
    for scenario in plan.scenarios:
        if scenario.arrivals is not Arrivals.CONSTANT and not scenario.is_open:
            raise head.error(
                "arrivals",
                f"the scenario {scenario.name!r} has no 'rate_rps': a closed model has no arrivals",
            )
    for kind, names in (
        ("server", plan.servers),
        ("scenario", tuple(scenario.name for scenario in plan.scenarios)),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise head.error(f"{kind}s", f"the {kind} {twice[0]!r} is named twice")


def _check_control(plan: Plan, head: _Table) -> None:
    for server in plan.servers:
        if server.endswith(AGAIN):
            raise head.error("servers", f"{server!r}: the ending {AGAIN!r} is that of a control")
    measured = set(plan.servers) - {NO_SERVER}
    if plan.control is not None and plan.control not in measured:
        raise head.error(
            "control",
            f"the control {plan.control!r} is not among the plan's servers"
            f"{_nearest(plan.control, measured)}; they are {', '.join(sorted(measured))}",
        )


def _nearest(word: str, valid: Collection[str]) -> str:
    close = difflib.get_close_matches(word, valid, n=1, cutoff=0.5)
    return f" (the nearest is {close[0]!r})" if close else ""
