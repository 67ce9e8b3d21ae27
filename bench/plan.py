"""From a TOML file to a validated plan, and from a plan to its interleaved trials.

An error names the file, the line, the key and the nearest valid one. Nothing is
run here.
"""

import json
import random
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from bench.model import AGAIN, NO_SERVER, Arrivals, External, Plan, Scenario, Trial
from bench.toml_file import (
    Key,
    Table,
    TomlFile,
    flag_of,
    name_of,
    names_of,
    nearest,
    number_of,
    text_of,
)

SECONDS_BESIDE_A_TRIAL = 6.5
"""A look at the machine, start of the server, pauses at the marks, scrapes, the check after the
window, stop. A machine that is not calm takes up to the plan's ``cooldown_s`` more."""
AFTERMATH_S = 10.0
"""How long a window must go on when a fault is over, for its end is half of what it shows."""
SECONDS_BESIDE_THE_TRIALS = 30.0
"""Control plane, population, equality phase, report."""
SECONDS_A_PROCESS = 0.8
"""What each further replica or worker adds to a trial: its start, and more answers to check."""
SECONDS_FOR_A_CONTROL_PLANE = 8.0
"""One more control plane: start, population, observers, stop."""
FEWEST_TO_JUDGE = 5
"""Rounds that a plan must have before it may judge its own precision. With fewer, the spread
is so ill known that a chance agreement would end the run."""
MAX_REPLICAS = 20
VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
MAX_WORKERS = 8


class PlanError(Exception):
    """A plan that cannot be run; the text says where and what would be valid."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that a plan may use for servers, routes and faults."""

    servers: Collection[str]
    routes: Collection[str]
    faults: Collection[str] = ()


def plan_names() -> list[str]:
    """Return the names of the plans that come with the project."""
    files = (entry.name for entry in resources.files("bench.plans").iterdir())
    return sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))


def read_plan(name_or_file: str, vocabulary: Vocabulary, external: Sequence[External] = ()) -> Plan:
    """Read a plan by its name, or from a ``.toml`` file, with ``external`` servers besides.

    Raises ``PlanError`` if it is not valid.
    """
    source = name_or_file if name_or_file.endswith(".toml") else f"{name_or_file}.toml"
    return parse_plan(plan_source(name_or_file, external), source, vocabulary)


def plan_source(name_or_file: str, external: Sequence[External] = ()) -> str:
    """Return the TOML text of a plan, with a table added for each of the ``external`` servers.

    Raises ``PlanError`` if there is no such plan.
    """
    return _text_of(name_or_file) + "".join(map(_external_table, external))


def _text_of(name_or_file: str) -> str:
    if name_or_file.endswith(".toml"):
        try:
            return Path(name_or_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PlanError(f"cannot read the plan {name_or_file}: {error}") from error
    if name_or_file not in plan_names():
        raise PlanError(
            f"there is no plan {name_or_file!r}{nearest(name_or_file, plan_names())}; "
            f"there are {', '.join(plan_names())}, or give a file that ends in .toml"
        )
    file = resources.files("bench.plans") / f"{name_or_file}.toml"
    return file.read_text(encoding="utf-8")


def _external_table(external: External) -> str:
    # JSON's strings are TOML's, but for DEL, which TOML wants escaped as well
    command = json.dumps(external.command, ensure_ascii=False).replace("\x7f", "\\u007f")
    return (
        f'\n[[external]]\nname = "{external.name}"\ncommand = {command}\n'
        f"ready_timeout_s = {external.ready_timeout_s:g}\n"
    )


def parse_plan(text: str, source: str, vocabulary: Vocabulary) -> Plan:
    """Validate the TOML ``text``; ``source`` is its name in errors."""
    file = TomlFile(text, source, PlanError)
    head = file.head(_HEAD, "a plan")
    scenarios = tuple(
        table.build(Scenario)
        for table in file.tables("scenarios", _scenario_keys(vocabulary), "a scenario")
    )
    external = tuple(
        table.build(External) for table in file.tables("external", _EXTERNAL, "an external")
    )
    plan = head.build(Plan, scenarios=scenarios, external=external)
    _check_external(plan, head, vocabulary)
    added = (one.name for one in external if one.name not in plan.servers)
    plan = replace(plan, servers=(*plan.servers, *added))
    _check_whole(plan, head, vocabulary)
    return plan


def trials(plan: Plan) -> tuple[Trial, ...]:
    """Return the plan's trials in the order in which they are run.

    Rounds are the outer loop. Within a round and scenario the arms, a control
    among them, come in an order drawn from the seed; every second round takes the
    order of the one before backwards (ABBA), so that a steady drift of the machine
    cancels. A plan with more rounds begins with the very trials of one with fewer.
    Where scenarios are on several versions of Kubernetes, every second round takes the scenarios
    backwards too, for the same reason: it is they that are compared.
    """
    return tuple(
        Trial(order, scenario, server, number)
        for order, (number, scenario, server) in enumerate(_interleaved(plan))
    )


def predicted_s(plan: Plan) -> float:
    """Return about how long a run takes once environment and binaries are cached, in seconds.

    Without the rounds that it may buy.
    """
    trial_s = plan.warmup_s + plan.duration_s + SECONDS_BESIDE_A_TRIAL
    fresh = sum(plan.scenario(trial.scenario).fresh_control_plane for trial in trials(plan))
    further = sum(
        scenario.replicas * scenario.workers - 1
        for scenario in (plan.scenario(t.scenario) for t in trials(plan) if t.server != NO_SERVER)
    )
    return (
        len(trials(plan)) * trial_s
        + further * SECONDS_A_PROCESS
        + (fresh + _version_changes(plan)) * SECONDS_FOR_A_CONTROL_PLANE
        + SECONDS_BESIDE_THE_TRIALS
    )


def _version_changes(plan: Plan) -> int:
    """Return how many control planes are started for their version, beyond the first."""
    if not plan.compares_versions:
        return 0
    shared = {(one.kubernetes, one.pods) for one in plan.scenarios if not one.fresh_control_plane}
    return max(0, len(shared) * plan.rounds - 1)


def _interleaved(plan: Plan) -> Iterator[tuple[int, str, str]]:
    rng = random.Random(f"order/{plan.seed}")
    orders = {scenario.name: list(plan.arms(scenario)) for scenario in plan.scenarios}
    for number in range(1, plan.rounds + 1):
        backwards = number % 2 == 0 and plan.compares_versions
        for scenario in reversed(plan.scenarios) if backwards else plan.scenarios:
            order = orders[scenario.name]
            if number % 2 == 1:
                rng.shuffle(order)
            else:
                order.reverse()
            yield from ((number, scenario.name, arm) for arm in order)


_HEAD: Mapping[str, Key] = {
    "name": Key("a name of lower-case letters, digits and hyphens", name_of),
    "description": Key("a sentence", text_of),
    "seed": Key("a whole number from 0", number_of(0, 2**63 - 1, whole=True)),
    "servers": Key("a list of server names", names_of),
    "rounds": Key("a whole number from 1 to 100", number_of(1, 100, whole=True)),
    "warmup_s": Key("seconds as a number from 0 to 600", number_of(0, 600, whole=False)),
    "duration_s": Key("seconds as a number from 1 to 3600", number_of(1, 3600, whole=False)),
    "control": Key("the name of the server that is measured twice", name_of),
    "cooldown_s": Key("seconds as a number from 0 to 600", number_of(0, 600, whole=False)),
    "precision": Key(
        "a share from 0.01 to 1: the half width wanted of the deciding ratios' intervals",
        number_of(0.01, 1, whole=False),
    ),
    "most_rounds": Key("a whole number from 1 to 100", number_of(1, 100, whole=True)),
    "scenarios": Key("[[scenarios]] tables", lambda value: value),
    "external": Key("[[external]] tables", lambda value: value),
}

_EXTERNAL: Mapping[str, Key] = {
    "name": Key("a name of lower-case letters, digits and hyphens", name_of),
    "command": Key("a line for /bin/sh, which may use $PORT and $KUBECONFIG", text_of),
    "ready_timeout_s": Key("seconds as a number from 1 to 3600", number_of(1, 3600, whole=False)),
}


def on_kubernetes(plan: Plan, version: str) -> Plan:
    """Return the plan with the scenarios that name no version of Kubernetes on ``version``."""
    scenarios = tuple(replace(one, kubernetes=one.kubernetes or version) for one in plan.scenarios)
    return replace(plan, scenarios=scenarios)


def _version(value: Any) -> str:  # noqa: ANN401 - any TOML value
    if not isinstance(value, str) or not VERSION.fullmatch(value):
        raise ValueError
    return value


def _scenario_keys(vocabulary: Vocabulary) -> Mapping[str, Key]:
    def route(value: Any) -> str:  # noqa: ANN401 - any TOML value
        if value not in vocabulary.routes:
            raise ValueError
        return str(value)

    def fault(value: Any) -> str:  # noqa: ANN401 - any TOML value
        if value not in vocabulary.faults:
            raise ValueError
        return str(value)

    return {
        "name": Key("a name of lower-case letters, digits and hyphens", name_of),
        "route": Key(f"one of {', '.join(sorted(vocabulary.routes))}", route),
        "users": Key("a whole number from 1 to 1000", number_of(1, 1000, whole=True)),
        "pods": Key("a whole number from 1 to 50000", number_of(1, 50_000, whole=True)),
        "rate_rps": Key(
            "requests a second as a number from 0.1 to 100000 (left out: the closed model)",
            number_of(0.1, 100_000, whole=False),
        ),
        "churn_per_s": Key(
            "writes a second as a number from 0 to 1000", number_of(0, 1000, whole=False)
        ),
        "arrivals": Key(f"one of {', '.join(Arrivals)} (of the open model)", Arrivals),
        "probe": Key("true or false: do freshness probe and bystander run?", flag_of),
        "control": Key("true or false: is the plan's control measured here?", flag_of),
        "fresh_control_plane": Key(
            "true or false: does each trial start a control plane of its own?", flag_of
        ),
        "kubernetes": Key("a version of Kubernetes as text: 1.34 or 1.34.4", _version),
        "replicas": Key(
            f"a whole number from 1 to {MAX_REPLICAS}: processes of the server",
            number_of(1, MAX_REPLICAS, whole=True),
        ),
        "workers": Key(
            f"a whole number from 1 to {MAX_WORKERS}: worker processes of each replica",
            number_of(1, MAX_WORKERS, whole=True),
        ),
        "fault": Key(f"one of {', '.join(sorted(vocabulary.faults))}", fault),
        "fault_at_s": Key(
            "seconds from the window's begin as a number from 1 to 3600",
            number_of(1, 3600, whole=False),
        ),
        "fault_s": Key("seconds as a number from 1 to 30", number_of(1, 30, whole=False)),
    }


def _check_whole(plan: Plan, head: Table, vocabulary: Vocabulary) -> None:
    if not plan.scenarios:
        raise head.error("scenarios", "a plan needs at least one [[scenarios]] table: no trials")
    known = {NO_SERVER, *vocabulary.servers, *(one.name for one in plan.external)}
    for server in plan.servers:
        if server not in known:
            raise head.error(
                "servers",
                f"there is no server {server!r}{nearest(server, known)}; "
                f"there are {', '.join(sorted(known))}",
            )
    if set(plan.servers) == {NO_SERVER}:
        raise head.error("servers", f"{NO_SERVER!r} alone measures nothing: name a server")
    _check_control(plan, head)
    _check_precision(plan, head)
    for scenario in plan.scenarios:
        if scenario.arrivals is not Arrivals.CONSTANT and not scenario.is_open:
            raise head.error(
                "arrivals",
                f"the scenario {scenario.name!r} has no 'rate_rps': a closed model has no arrivals",
            )
        if not scenario.is_open and scenario.users < scenario.replicas:
            raise head.error(
                "replicas",
                f"the scenario {scenario.name!r} has fewer users ({scenario.users}) than replicas "
                f"({scenario.replicas}): a user of the closed model stays with one replica, so "
                "some would not be asked; give it more 'users', or a 'rate_rps'",
            )
        _check_fault(scenario, plan, head)
    for kind, names in (
        ("server", plan.servers),
        ("scenario", tuple(scenario.name for scenario in plan.scenarios)),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise head.error(f"{kind}s", f"the {kind} {twice[0]!r} is named twice")


def _check_fault(scenario: Scenario, plan: Plan, head: Table) -> None:
    what = f"the scenario {scenario.name!r}"
    if scenario.fault is None:
        if scenario.fault_at_s is not None:
            raise head.error("fault_at_s", f"{what} says when, but has no 'fault'")
        return
    if not scenario.is_open:
        raise head.error(
            "fault",
            f"{what} has no 'rate_rps': clients that wait would ask nothing of a server that "
            "hangs, so faults are for the open model",
        )
    if not scenario.probe:
        raise head.error(
            "probe", f"{what} has a fault and no probe: how fresh answers are is told by the probe"
        )
    if scenario.fault_at_s is None:
        raise head.error("fault", f"{what} needs 'fault_at_s': when in the window it begins")
    over_s = scenario.fault_at_s + scenario.fault_s
    if over_s + AFTERMATH_S > plan.duration_s:
        raise head.error(
            "fault_at_s",
            f"{what} ends its fault at second {over_s:g} (fault_at_s {scenario.fault_at_s:g} and "
            f"fault_s {scenario.fault_s:g}), and the window must go on for {AFTERMATH_S:g} s after "
            f"that: duration_s is {plan.duration_s:g}, and must be {over_s + AFTERMATH_S:g} at "
            "least",
        )


def _check_external(plan: Plan, head: Table, vocabulary: Vocabulary) -> None:
    names = [one.name for one in plan.external]
    for name in names:
        if name in {NO_SERVER, *vocabulary.servers}:
            raise head.error("external", f"an external server cannot be called {name!r}: taken")
        if names.count(name) > 1:
            raise head.error("external", f"the external server {name!r} has two commands")


def _check_precision(plan: Plan, head: Table) -> None:
    if plan.precision is None and plan.most_rounds is None:
        return
    if plan.precision is None or plan.most_rounds is None:
        given = "precision" if plan.most_rounds is None else "most_rounds"
        raise head.error(given, "'precision' and 'most_rounds' belong together: give both")
    if plan.most_rounds < plan.rounds:
        raise head.error(
            "most_rounds", f"{plan.most_rounds} are fewer than the {plan.rounds} planned"
        )
    if plan.rounds < FEWEST_TO_JUDGE:
        raise head.error(
            "precision",
            f"an interval over fewer than {FEWEST_TO_JUDGE} rounds says too little "
            "of its own width: plan as many",
        )


def _check_control(plan: Plan, head: Table) -> None:
    for server in plan.servers:
        if server.endswith(AGAIN):
            raise head.error("servers", f"{server!r}: the ending {AGAIN!r} is that of a control")
    measured = set(plan.servers) - {NO_SERVER}
    if plan.control is not None and plan.control not in measured:
        raise head.error(
            "control",
            f"the control {plan.control!r} is not among the plan's servers"
            f"{nearest(plan.control, measured)}; they are {', '.join(sorted(measured))}",
        )
