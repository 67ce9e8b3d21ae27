"""Plan of clients: the TOML text that ``bench meter`` runs, as a person would write it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from bench.model import NO_SERVER, Client, Objects

FAULT_AT_S, FAULT_S, FAULT_WINDOW_S = 3.0, 3.0, 20.0
"""Begin and length of a fault, and the length of a window that shows its aftermath, in seconds."""
WARMUP_S, COOLDOWN_S = 1.0, 3.0
VARIABLE = re.compile(
    r"""\s*(?:env\s+)?([A-Za-z_]\w*)=((?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\;|&<>()])*)\s+(?=\S)"""
)
"""A variable and its value in front of a command."""
WORD = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]")
NO_NAMES = frozenset(
    {"bash", "cd", "do", "env", "exec", "for", "if", "nice", "nohup", "sh", "sudo", "time"}
    | {"timeout", "true", "until", "while", "python", "python3", "node", "java", "run"}
)
"""Words of a command that do not identify its program."""


@dataclass(frozen=True, slots=True)
class Metering:
    """Conditions of the measurement; ``churns_per_s`` and ``faults`` make a scenario each."""

    pods: int = 1000
    churns_per_s: Sequence[float] = (10.0,)
    faults: Sequence[str] = ()
    rounds: int = 6
    duration_s: float = 12.0
    instances: int = 1
    control: bool = False
    objects: Sequence[Objects] = ()
    kubernetes: str | None = None


def client_plan(clients: Sequence[Client], on: Metering) -> str:
    """Return the plan that measures ``clients``, the first against the others."""
    first, *others = (client.name for client in clients)
    costs = f"What {first} costs the API server" + "".join(f", against {name}" for name in others)
    settings = {
        "name": "meter",
        "description": f"{costs}.",
        "seed": 1,
        "servers": [*others, first, NO_SERVER],
        "rounds": on.rounds,
        "warmup_s": WARMUP_S,
        "duration_s": max(on.duration_s, FAULT_WINDOW_S) if on.faults else on.duration_s,
        "cooldown_s": COOLDOWN_S,
    }
    if on.control:
        settings["control"] = first
    parts = [
        _assignments(settings),
        *(_table("client", _changed_fields(client)) for client in clients),
    ]
    parts += [_table("objects", _changed_fields(objects)) for objects in on.objects]
    same: dict[str, Any] = {"pods": on.pods, "probe": False}
    same |= {"replicas": on.instances} if on.instances > 1 else {}
    same |= {"kubernetes": on.kubernetes} if on.kubernetes else {}
    for rate in on.churns_per_s:
        name = f"churn-{rate:g}".replace(".", "-") if rate else "rest"
        parts.append(_table("scenarios", {"name": name, **same, "churn_per_s": rate}))
    for fault in on.faults:
        put_in = {"fault": fault, "fault_at_s": FAULT_AT_S, "fault_s": FAULT_S}
        busiest = {"name": fault, **same, "churn_per_s": max(on.churns_per_s)}
        parts.append(_table("scenarios", busiest | put_in))
    return "\n".join(parts)


def name_of(command: str, taken: Sequence[str] = ()) -> str:
    """Return a name for a client from its command, different from those ``taken``.

    Variables in front of the command are skipped: their values may be secrets.
    """
    while (match := VARIABLE.match(command)) is not None:
        command = command[match.end() :]
    stems = (re.sub(r"\.\w+$", "", word.rpartition("/")[2]) for word in command.split())
    usable = (stem for stem in stems if WORD.fullmatch(stem) and stem not in NO_NAMES)
    name = next(usable, "client")
    others = (f"{name}-{number}" for number in range(2, len(taken) + 2))
    return name if name not in taken else next(other for other in others if other not in taken)


def _table(name: str, values: Mapping[str, Any]) -> str:
    return f"[[{name}]]\n{_assignments(values)}"


def _changed_fields(table: Client | Objects) -> dict[str, Any]:
    """Return the fields of a table that differ from their defaults."""
    values = {spec.name: (getattr(table, spec.name), spec.default) for spec in fields(table)}
    # MISSING is equal to no value
    return {name: value for name, (value, default) in values.items() if value != default}


def _assignments(values: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {toml_value(value)}\n" for key, value in values.items())


def toml_value(value: Any) -> str:  # noqa: ANN401 - any value of a plan
    """Return a value as TOML, on one line."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{json.dumps(key)} = {toml_value(item)}" for key, item in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    # JSON strings are TOML strings, except that TOML requires DEL to be escaped too
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
