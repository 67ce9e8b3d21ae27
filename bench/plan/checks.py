"""Check the consistency of a plan's keys with each other.

Each check raises the plan's error for the key at fault, by ``head``, the plan's first table.
"""

from collections.abc import Collection
from dataclasses import replace

from bench.model import AGAIN, NO_SERVER, Arrivals, Cpus, Plan, Scenario
from bench.plan.keys import FEWEST_TO_PIN, Vocabulary
from bench.plan.toml_schema import Table, nearest

AFTERMATH_S = 10.0
"""Seconds that a window must last after a fault: its end is half of the observation."""
FEWEST_TO_JUDGE = 5
"""Fewest rounds of a plan with a precision. With fewer, the spread is known so poorly that a
chance agreement would end the run."""


def check_whole(plan: Plan, head: Table, vocabulary: Vocabulary) -> None:
    """Raise unless servers, control, precision and scenarios of the plan are consistent."""
    if not plan.scenarios:
        raise head.error("scenarios", "a plan needs at least one [[scenarios]] table: no trials")
    known = {NO_SERVER, *vocabulary.servers, *(server.name for server in plan.commanded)}
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
        _check_load(scenario, plan, head)
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
                "some would get no request; give it more 'users', or a 'rate_rps'",
            )
        _check_fault(scenario, plan, head)
        _check_share(scenario, plan, head)
    for kind, names in (
        ("server", plan.servers),
        ("scenario", tuple(scenario.name for scenario in plan.scenarios)),
        ("object", tuple(objects.resource for objects in plan.objects)),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise head.error(f"{kind}s", f"the {kind} {twice[0]!r} is named twice")


def _check_fault(scenario: Scenario, plan: Plan, head: Table) -> None:
    if scenario.fault is None:
        return
    title = f"the scenario {scenario.name!r}"
    if not scenario.is_open:
        raise head.error(
            "fault",
            f"{title} has no 'rate_rps': waiting clients would send no request to a server that "
            "hangs, so faults are for the open model",
        )
    if scenario.has_load and not scenario.probe:
        raise head.error(
            "probe", f"{title} has a fault and no probe: the probe measures how fresh answers are"
        )
    if scenario.fault_at_s is None:
        raise head.error("fault", f"{title} needs 'fault_at_s': the second at which it begins")
    over_s = scenario.fault_at_s + scenario.fault_s
    if over_s + AFTERMATH_S > plan.duration_s:
        raise head.error(
            "fault_at_s",
            f"{title} ends its fault at second {over_s:g} (fault_at_s {scenario.fault_at_s:g} and "
            f"fault_s {scenario.fault_s:g}), and the window must last {AFTERMATH_S:g} s after "
            f"that: duration_s is {plan.duration_s:g}, and must be {over_s + AFTERMATH_S:g} at "
            "least",
        )


def _check_share(scenario: Scenario, plan: Plan, head: Table) -> None:
    if scenario.capacity_share is None:
        return
    title = f"the scenario {scenario.name!r}"
    if scenario.rate_rps is not None or scenario.fault is not None:
        given = "rate_rps" if scenario.rate_rps is not None else "fault"
        raise head.error("capacity_share", f"{title} has a {given!r} too: give one of the two")
    if plan.closed_like(scenario) is None:
        raise head.error(
            "capacity_share",
            f"{title} has no capacity to take a share of: put a closed scenario (no 'rate_rps') of "
            "the same route, pods, churn and API server before it",
        )


def without_unfit(plan: Plan, head: Table, vocabulary: Vocabulary) -> Plan:
    """Return the plan without the scenarios whose server needs more processors than there are.

    One more than the server's is needed, for all else. Raises if no scenario remains.
    """
    cpus = vocabulary.processors
    if cpus is None:
        return plan
    limit = max(1, len(cpus))
    unfit = {scenario for scenario in plan.scenarios if (scenario.server_cpus or 0) >= limit}
    if unfit and len(unfit) == len(plan.scenarios):
        fewest = min(scenario.server_cpus or 0 for scenario in unfit)
        raise head.error(
            "server_cpus",
            f"{fewest} processors for the server and one for all else take {fewest + 1}; there "
            f"are {len(cpus)} ({', '.join(map(str, sorted(cpus))) or 'none that can be chosen'})",
        )
    fit = tuple(scenario for scenario in plan.scenarios if scenario not in unfit)
    left_out = tuple(scenario.name for scenario in plan.scenarios if scenario in unfit)
    return replace(plan, scenarios=fit, left_out=left_out)


def allotted(server_cpus: int, available: Collection[int]) -> Cpus:
    """Return the processors of each part where the server has the last ``server_cpus`` alone."""
    cpus = tuple(sorted(available))
    others = cpus[:-server_cpus]
    return Cpus(control_plane=others, server=cpus[-server_cpus:], load=others)


def chosen_cpus(cpus: Cpus, table: Table, vocabulary: Vocabulary) -> Cpus:
    """Return the processors to pin to; with ``auto``, choose them.

    Half of them, rounded down, are the control plane's, a quarter each the server's and the
    load's; the remainder is the load's. Raises for processors that do not exist, and for
    parts that are left out.
    """
    named = {part: getattr(cpus, part) for part in ("control_plane", "server", "load")}
    available = vocabulary.processors
    if cpus.auto:
        if given := next((part for part, numbers in named.items() if numbers), None):
            raise table.error(given, f"'auto' chooses the processors: leave {given!r} out")
        if available is None or len(available) < FEWEST_TO_PIN:
            return cpus
        ids, quarter = sorted(available), len(available) // 4
        first, second = 2 * quarter, 3 * quarter
        return Cpus(True, tuple(ids[:first]), tuple(ids[first:second]), tuple(ids[second:]))
    for part, numbers in named.items():
        if not numbers and any(named.values()):
            raise table.error(part, f"the table cpus needs {part!r}, or 'auto' alone")
        missing = sorted(set(numbers) - set(numbers if available is None else available))
        if missing:
            existing = ", ".join(map(str, sorted(available or ()))) or "none that can be chosen"
            raise table.error(part, f"there is no processor {missing[0]}; there are {existing}")
    return cpus


def check_commands(plan: Plan, head: Table, vocabulary: Vocabulary) -> None:
    """Raise if the name of an external server or a client is taken, or given twice."""
    names = [arm.name for arm in plan.commanded]
    for arm in plan.commanded:
        table, kind = ("client",) * 2 if arm in plan.clients else ("external", "external server")
        if arm.name in {NO_SERVER, *vocabulary.servers}:
            raise head.error(table, f"the {kind} cannot be called {arm.name!r}: taken")
        if names.count(arm.name) > 1:
            raise head.error(table, f"the {kind} {arm.name!r} has two commands")


def _check_load(scenario: Scenario, plan: Plan, head: Table) -> None:
    if scenario.has_load and plan.clients:
        raise head.error(
            "route",
            f"the scenario {scenario.name!r} loads servers, and the client "
            f"{plan.clients[0].name!r} serves nothing: leave 'route' out, or the client",
        )


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
            f"an interval over fewer than {FEWEST_TO_JUDGE} rounds has an uncertain width: "
            "plan as many",
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
