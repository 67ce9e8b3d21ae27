"""Plan of clients: the TOML text that ``bench meter`` runs, as a person would write it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from bench.model import NO_SERVER, Client, Objects

FAULT_AT_S, FAULT_S, FAULT_WINDOW_S = 3.0, 3.0, 20.0
"""When a fault begins, how long it lasts, and how long a window must be to show what follows."""
WARMUP_S, COOLDOWN_S = 1.0, 3.0
WORD = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]")
NO_NAMES = frozenset(
    {"bash", "cd", "do", "env", "exec", "for", "if", "nice", "nohup", "sh", "sudo", "time"}
    | {"timeout", "true", "until", "while", "python", "python3", "node", "java", "run"}
)
"""Words of a command that do not say what it is."""


@dataclass(frozen=True, slots=True)
class Metering:
    """What clients are measured on; ``churns_per_s`` and ``faults`` make a scenario each."""

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
    first, *others = (one.name for one in clients)
    what = f"What {first} costs the API server" + "".join(f", against {one}" for one in others)
    head = {
        "name": "meter",
        "description": f"{what}.",
        "seed": 1,
        "servers": [*others, first, NO_SERVER],
        "rounds": on.rounds,
        "warmup_s": WARMUP_S,
        "duration_s": max(on.duration_s, FAULT_WINDOW_S) if on.faults else on.duration_s,
        "cooldown_s": COOLDOWN_S,
    }
    if on.control:
        head["control"] = first
    parts = [_assignments(head), *(_table("client", _given(one)) for one in clients)]
    parts += [_table("objects", _given(one)) for one in on.objects]
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
    """Return what to call a client by its command, unlike those that are ``taken``."""
    stems = (re.sub(r"\.\w+$", "", word.rpartition("/")[2]) for word in command.split())
    known = (stem for stem in stems if WORD.fullmatch(stem) and stem not in NO_NAMES)
    name = next(known, "client")
    others = (f"{name}-{number}" for number in range(2, len(taken) + 2))
    return name if name not in taken else next(one for one in others if one not in taken)


def _table(name: str, values: Mapping[str, Any]) -> str:
    return f"[[{name}]]\n{_assignments(values)}"


def _given(one: Client | Objects) -> dict[str, Any]:
    """Return the fields of a table that are not as they are by default."""
    values = {spec.name: (getattr(one, spec.name), spec.default) for spec in fields(one)}
    # MISSING is equal to no value
    return {name: value for name, (value, default) in values.items() if value != default}


def _assignments(values: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {toml_value(value)}\n" for key, value in values.items())


def toml_value(value: Any) -> str:  # noqa: ANN401 - any value of a plan
    """Write a value as TOML does, on one line."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{json.dumps(key)} = {toml_value(one)}" for key, one in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    # JSON's strings are TOML's, but for DEL, which TOML wants escaped as well
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
