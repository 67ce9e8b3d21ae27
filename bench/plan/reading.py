"""From a TOML file to a validated plan.

An error names the file, the line, the key and the nearest valid one.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

from bench.model import Cpus, External, Plan, Scenario
from bench.plan.checks import check_external, check_whole, chosen_cpus
from bench.plan.keys import CPUS, EXTERNAL, HEAD, TABLES, Vocabulary, scenario_keys
from bench.plan.toml_schema import TomlFile, nearest


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
    # JSON's strings are TOML's, but for DEL, which TOML wants escaped as well
    command = json.dumps(external.command, ensure_ascii=False).replace("\x7f", "\\u007f")
    return (
        f'\n[[external]]\nname = "{external.name}"\ncommand = {command}\n'
        f"ready_timeout_s = {external.ready_timeout_s:g}\n"
    )


def parse_plan(text: str, source: str, vocabulary: Vocabulary) -> Plan:
    """Validate the TOML ``text``; ``source`` is its name in errors."""
    file = TomlFile(text, source, PlanError)
    head = file.head(HEAD, "a plan", [*TABLES, "cpus"])
    scenarios = tuple(
        table.build(Scenario)
        for table in file.tables("scenarios", scenario_keys(vocabulary), "a scenario")
    )
    external = tuple(
        table.build(External) for table in file.tables("external", EXTERNAL, "an external")
    )
    table = file.table("cpus", CPUS, "the table cpus")
    cpus = chosen_cpus(table.build(Cpus), table, vocabulary)
    plan = head.build(Plan, scenarios=scenarios, external=external, cpus=cpus)
    check_external(plan, head, vocabulary)
    added = (one.name for one in external if one.name not in plan.servers)
    plan = replace(plan, servers=(*plan.servers, *added))
    check_whole(plan, head, vocabulary)
    return plan


def on_kubernetes(plan: Plan, version: str) -> Plan:
    """Return the plan with the scenarios that name no version of Kubernetes on ``version``."""
    scenarios = tuple(replace(one, kubernetes=one.kubernetes or version) for one in plan.scenarios)
    return replace(plan, scenarios=scenarios)
