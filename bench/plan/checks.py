"""Whether a plan holds together: what no single key can tell.

Each check raises the plan's error for the key that is to blame, by ``head``.
"""

from collections.abc import Collection
from dataclasses import replace

from bench.model import AGAIN, NO_SERVER, Arrivals, Cpus, Plan, Scenario
from bench.plan.keys import FEWEST_TO_PIN, Vocabulary
from bench.plan.toml_schema import Table, nearest

AFTERMATH_S = 10.0
"""How long a window must go on when a fault is over, for its end is half of what it shows."""
FEWEST_TO_JUDGE = 5
"""Rounds that a plan must have before it may judge its own precision. With fewer, the spread
is so ill known that a chance agreement would end the run."""


def check_whole(plan: Plan, head: Table, vocabulary: Vocabulary) -> None:
    """Raise unless servers, control, precision and scenarios of the plan fit each other."""
    if not plan.scenarios:
        raise head.error("scenarios", "a plan needs at least one [[scenarios]] table: no trials")
    known = {NO_SERVER, *vocabulary.servers, *(one.name for one in plan.commanded)}
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
                "some would not be asked; give it more 'users', or a 'rate_rps'",
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
    if scenario.has_load and not scenario.probe:
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


def _check_share(scenario: Scenario, plan: Plan, head: Table) -> None:
    if scenario.capacity_share is None:
        return
    what = f"the scenario {scenario.name!r}"
    if scenario.rate_rps is not None or scenario.fault is not None:
        given = "rate_rps" if scenario.rate_rps is not None else "fault"
        raise head.error("capacity_share", f"{what} has a {given!r} too: give one of the two")
    if plan.closed_like(scenario) is None:
        raise head.error(
            "capacity_share",
            f"{what} has no capacity to take a share of: put a closed scenario (no 'rate_rps') of "
            "the same route, pods and churn before it",
        )


def without_unfit(plan: Plan, head: Table, vocabulary: Vocabulary) -> Plan:
    """Return the plan without the scenarios whose server wants more processors than there are.

    One more than the server's is needed, for all else. Raises where no scenario is left.
    """
    there = vocabulary.processors
    if there is None:
        return plan
    unfit = {one for one in plan.scenarios if (one.server_cpus or 0) >= max(1, len(there))}
    if unfit and len(unfit) == len(plan.scenarios):
        fewest = min(one.server_cpus or 0 for one in unfit)
        raise head.error(
            "server_cpus",
            f"{fewest} processors for the server and one for all else take {fewest + 1}; there "
            f"are {len(there)} ({', '.join(map(str, sorted(there))) or 'none that can be chosen'})",
        )
    kept = tuple(one for one in plan.scenarios if one not in unfit)
    left_out = tuple(one.name for one in plan.scenarios if one in unfit)
    return replace(plan, scenarios=kept, left_out=left_out)


def allotted(server_cpus: int, there: Collection[int]) -> Cpus:
    """Return the processors of each part where the server has the last ``server_cpus`` alone."""
    own = tuple(sorted(there))
    others = own[:-server_cpus]
    return Cpus(control_plane=others, server=own[-server_cpus:], load=others)


def chosen_cpus(cpus: Cpus, table: Table, vocabulary: Vocabulary) -> Cpus:
    """Return the processors to pin to, chosen if that is asked for.

    Half of them, rounded down, are the control plane's, a quarter each the server's and the
    load's; what is over is the load's. Raises for processors that are not there, and for parts
    that are left out.
    """
    named = {part: getattr(cpus, part) for part in ("control_plane", "server", "load")}
    there = vocabulary.processors
    if cpus.auto:
        if given := next((part for part, numbers in named.items() if numbers), None):
            raise table.error(given, f"'auto' chooses the processors: leave {given!r} out")
        if there is None or len(there) < FEWEST_TO_PIN:
            return cpus
        own, quarter = sorted(there), len(there) // 4
        first, second = 2 * quarter, 3 * quarter
        return Cpus(True, tuple(own[:first]), tuple(own[first:second]), tuple(own[second:]))
    for part, numbers in named.items():
        if not numbers and any(named.values()):
            raise table.error(part, f"the table cpus needs {part!r}, or 'auto' alone")
        missing = sorted(set(numbers) - set(numbers if there is None else there))
        if missing:
            found = ", ".join(map(str, sorted(there or ()))) or "none that can be chosen"
            raise table.error(part, f"there is no processor {missing[0]}; there are {found}")
    return cpus


def check_commands(plan: Plan, head: Table, vocabulary: Vocabulary) -> None:
    """Raise if the name of an external server or a client is taken, or given twice."""
    names = [one.name for one in plan.commanded]
    for one in plan.commanded:
        table, what = ("client",) * 2 if one in plan.clients else ("external", "external server")
        if one.name in {NO_SERVER, *vocabulary.servers}:
            raise head.error(table, f"the {what} cannot be called {one.name!r}: taken")
        if names.count(one.name) > 1:
            raise head.error(table, f"the {what} {one.name!r} has two commands")


def _check_load(scenario: Scenario, plan: Plan, head: Table) -> None:
    what = f"the scenario {scenario.name!r}"
    if scenario.has_load and plan.clients:
        raise head.error(
            "route",
            f"{what} asks servers, and the client {plan.clients[0].name!r} serves nothing: leave "
            "'route' out, or the client",
        )
    given = [key for key in ("users", "rate_rps") if getattr(scenario, key)]
    if given and not scenario.has_load:
        raise head.error(given[0], f"{what} has {given[0]!r} and no 'route': nothing is asked")


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
