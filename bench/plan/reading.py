"""From a TOML file to a validated plan.

An error names the file, the line, the key and the nearest valid one.
"""

from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

from bench.model import Client, Cpus, External, Objects, Plan, Scenario
from bench.plan.checks import check_commands, check_whole, chosen_cpus, without_unfit
from bench.plan.client_plan import toml_value
from bench.plan.keys import CLIENT, CPUS, EXTERNAL, HEAD, OBJECTS, TABLES, Vocabulary, scenario_keys
from bench.plan.kinds import api_path
from bench.plan.toml_schema import Table, TomlFile, nearest


class PlanError(Exception):
    """A plan that cannot be run; the text says where and what would be valid."""


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
    clients = tuple(table.build(Client) for table in file.tables("client", CLIENT, "a client"))
    table = file.table("cpus", CPUS, "the table cpus")
    cpus = chosen_cpus(table.build(Cpus), table, vocabulary)
    plan = head.build(
        Plan, scenarios=scenarios, external=external, clients=clients, objects=objects, cpus=cpus
    )
    check_commands(plan, head, vocabulary)
    added = (one.name for one in plan.commanded if one.name not in plan.servers)
    plan = replace(plan, servers=(*plan.servers, *added))
    check_whole(plan, head, vocabulary)
    return without_unfit(plan, head, vocabulary)


def _scenario(table: Table) -> Scenario:
    scenario = table.build(Scenario)
    if scenario.has_load and not scenario.users:
        raise table.lacks("users")
    return scenario


def _objects(table: Table) -> Objects:
    objects = table.build(Objects)
    try:
        api_path(objects)
    except ValueError as error:
        key = "definition" if objects.definition else "resource"
        raise table.error(key, f"{key!r}: {error}") from error
    return objects


def on_kubernetes(plan: Plan, version: str) -> Plan:
    """Return the plan with the scenarios that name no version of Kubernetes on ``version``."""
    scenarios = tuple(replace(one, kubernetes=one.kubernetes or version) for one in plan.scenarios)
    return replace(plan, scenarios=scenarios)
