"""Read a TOML file into a validated plan.

An error names the file, the line, the key and the nearest valid one.
"""

from collections.abc import Sequence
from dataclasses import replace
from importlib import resources

from bench.model import Client, Cpus, External, Objects, Plan, Scenario
from bench.plan.checks import check_commands, check_whole, chosen_cpus, without_unfit
from bench.plan.client_plan import toml_value
from bench.plan.keys import CLIENT, CPUS, EXTERNAL, HEAD, OBJECTS, TABLES, Vocabulary, scenario_keys
from bench.plan.kinds import api_path
from bench.plan.toml_schema import Table, TomlFile, names_in, text_of

BELONGING = {
    "route": ("users", "rate_rps", "capacity_share", "arrivals"),
    "fault": ("fault_at_s", "fault_s"),
}
"""Keys of a scenario, and those that only have a meaning with them."""


class PlanError(Exception):
    """Raised for an invalid plan; the message names the place and the valid values."""


def plan_names() -> list[str]:
    """Return the names of the project's own plans."""
    return names_in(resources.files("bench.plans"))


def read_plan(name_or_file: str, vocabulary: Vocabulary, external: Sequence[External] = ()) -> Plan:
    """Read a plan by its name, or from a ``.toml`` file, with ``external`` servers besides.

    Raises ``PlanError`` if it is not valid.
    """
    source = f"{name_or_file.removesuffix('.toml')}.toml"
    return parse_plan(plan_source(name_or_file, external), source, vocabulary)


def plan_source(name_or_file: str, external: Sequence[External] = ()) -> str:
    """Return the TOML text of a plan, with a table added for each of the ``external`` servers.

    Raises ``PlanError`` if there is no such plan.
    """
    folder, lacking = resources.files("bench.plans"), "there is no plan"
    text = text_of(name_or_file, folder, "the plan", lacking, PlanError)
    return text + "".join(map(_external_table, external))


def _external_table(external: External) -> str:
    command = toml_value(external.command)
    return (
        f'\n[[external]]\nname = "{external.name}"\ncommand = {command}\n'
        f"ready_timeout_s = {external.ready_timeout_s:g}\n"
    )


def parse_plan(text: str, source: str, vocabulary: Vocabulary) -> Plan:
    """Validate the TOML ``text``; ``source`` is its name in errors."""
    file = TomlFile(text, source, PlanError)
    head = file.head(HEAD, "a plan", [*TABLES, "cpus"])
    scenarios = tuple(
        _scenario(table)
        for table in file.tables("scenarios", scenario_keys(vocabulary), "a scenario")
    )
    external = tuple(
        table.build(External) for table in file.tables("external", EXTERNAL, "an external")
    )
    objects = tuple(map(_objects, file.tables("objects", OBJECTS, "an objects table")))
    clients = tuple(map(_client, file.tables("client", CLIENT, "a client")))
    table = file.table("cpus", CPUS, "the table cpus")
    cpus = chosen_cpus(table.build(Cpus), table, vocabulary)
    plan = head.build(
        Plan, scenarios=scenarios, external=external, clients=clients, objects=objects, cpus=cpus
    )
    check_commands(plan, head, vocabulary)
    added = (arm.name for arm in plan.commanded if arm.name not in plan.servers)
    plan = replace(plan, servers=(*plan.servers, *added))
    check_whole(plan, head, vocabulary)
    return without_unfit(plan, head, vocabulary)


def _scenario(table: Table) -> Scenario:
    scenario = table.build(Scenario)
    if scenario.has_load and not scenario.users:
        raise table.lacks("users")
    for needed, keys in BELONGING.items():
        for key in keys:
            if key in table and needed not in table:
                text = f"the scenario {scenario.name!r} has {key!r}, but no {needed!r}"
                raise table.error(key, text)
    return scenario


def _client(table: Table) -> Client:
    client = table.build(Client)
    if client.ready_url is not None and client.ready_line is not None:
        raise table.error(
            "ready_line",
            f"the client {client.name!r} has 'ready_url' too: only one of them makes it ready",
        )
    return client


def _objects(table: Table) -> Objects:
    objects = table.build(Objects)
    try:
        api_path(objects)
    except ValueError as error:
        key = "definition" if objects.definition else "resource"
        raise table.error(key, f"{key!r}: {error}") from error
    return objects


def on_kubernetes(plan: Plan, version: str) -> Plan:
    """Return the plan with ``version`` of Kubernetes in the scenarios that name none."""
    scenarios = tuple(replace(old, kubernetes=old.kubernetes or version) for old in plan.scenarios)
    return replace(plan, scenarios=scenarios)
