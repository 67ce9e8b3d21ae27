"""The keys of a plan and of its tables.

Each key is declared once: its check, its documentation and its JSON schema derive from the
declaration, and its default is that of the model's field.
"""

from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any

from msgspec import Meta

from bench.model import Arrivals, Client, Cpus, External, Plan, Scenario
from bench.model.plan import OBJECT_PATHS, Objects
from bench.plan.toml_schema import Key, Name, Names, Text, number, one_of, whole

MAX_REPLICAS = 20
MAX_WORKERS = 8
FEWEST_TO_PIN = 4
"""Fewest processors: two for the control plane, one each for the server and the load."""

Version = Annotated[
    str,
    Meta(
        pattern=r"^\d+\.\d+(\.\d+)?$(?!\n)",
        description="a version of Kubernetes as text: 1.34 or 1.34.4",
    ),
]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Names that a plan may use: servers, routes, faults and processors."""

    servers: Collection[str]
    routes: Collection[str]
    faults: Collection[str] = ()
    processors: Collection[int] | None = None
    """Processors that processes may be pinned to; ``None``: not checked."""


HEAD: Mapping[str, Key] = {
    "name": Key(Name, "the plan's name; its runs and reports carry it", '"mine"'),
    "description": Key(Text, "one sentence: the question of the plan", '"List every pod."'),
    "seed": Key(
        whole(0, 2**63 - 1), "seed of the order of trials, the pods and Poisson arrivals", "1"
    ),
    "servers": Key(
        Names,
        "the servers to compare; none is the idle baseline, which is subtracted from costs",
        '["direct", "informer", "none"]',
    ),
    "rounds": Key(whole(1, 100), "measurements of each server, interleaved", "6"),
    "warmup_s": Key(number(0, 600), "load before the measured window", "2", "seconds"),
    "duration_s": Key(number(1, 3600), "length of the measured window", "7", "seconds"),
    "cooldown_s": Key(number(0, 600), "longest wait for an idle machine", "5", "seconds"),
    "control": Key(
        Name, "a server to measure twice; a difference between the two is noise", '"direct"'
    ),
    "precision": Key(
        number(0.01, 1),
        "half width to reach for the intervals of the deciding ratios, by more rounds (0.07 is 7%)",
        "0.07",
    ),
    "most_rounds": Key(whole(1, 100), "with precision: largest number of rounds", "12"),
    "most_minutes": Key(
        number(0.1, 1440),
        "longest time of measuring: no round begins that would end later",
        "10",
        "minutes",
    ),
}

EXTERNAL: Mapping[str, Key] = {
    "name": Key(Name, "name of the server in plan and report", '"mine"'),
    "command": Key(
        Text,
        "a line for /bin/sh; its variables: PORT, KUBECONFIG, CONTEXT, NAMESPACE, PODS_NAMESPACE",
        '"./my-server --listen 127.0.0.1:$PORT"',
    ),
    "ready_timeout_s": Key(
        number(1, 3600), "longest wait until it answers 200 on /readyz or /pods", "60", "seconds"
    ),
}


Resource = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9-]+(\.[a-z0-9.-]+)?$(?!\n)",
        description=f"{', '.join(OBJECT_PATHS)}, or the name of the definition",
    ),
]
OBJECTS: Mapping[str, Key] = {
    "resource": Key(Resource, "kind of the objects", '"secrets"'),
    "count": Key(whole(1, 20_000), "number of objects", "500"),
    "size_bytes": Key(whole(0, 200_000), "approximate payload of each object", "2000", "bytes"),
    "definition": Key(
        Text,
        "YAML of a namespaced CustomResourceDefinition; if its schema requires more than metadata, "
        "an object of the kind follows as a second document",
        '"""..."""',
    ),
}
Flags = Annotated[
    tuple[Annotated[str, Meta(pattern=r"^--[a-z][^\n]*$(?!\n)")], ...],
    Meta(min_length=1, description="a list of flags, each with its value"),
]
Url = Annotated[
    str, Meta(pattern=r"^https?://[^/\s]+(/\S*)?$(?!\n)", description="an http address")
]
Rules = Annotated[
    tuple[dict[str, tuple[str, ...]], ...],
    Meta(
        min_length=1,
        description="a list of RBAC rules with apiGroups, resources and verbs (or nonResourceURLs)",
    ),
]
CLIENT: Mapping[str, Key] = {
    "name": Key(Name, "name of the client in plan and report", '"operator"'),
    "command": Key(
        Text,
        "a line for /bin/sh; its variables: KUBECONFIG, CONTEXT, NAMESPACE",
        '"kopf run --standalone -A operator.py"',
    ),
    "rules": Key(
        Rules,
        "RBAC rules of its account, as in a ClusterRole; left out: read the objects that populate "
        "the cluster",
        '[{ apiGroups = [""], resources = ["pods"], verbs = ["list", "watch"] }]',
    ),
    "quiet_s": Key(
        number(0.5, 60), "time without a request after which it is ready", "5", "seconds"
    ),
    "ready_url": Key(Url, "ready instead when this answers 200", '"http://127.0.0.1:8081/healthz"'),
    "ready_line": Key(Text, "ready instead when it writes a line with this text", '"synced"'),
    "ready_timeout_s": Key(
        number(1, 3600),
        "longest wait until it is ready; a client that is never quiet is measured too",
        "60",
        "seconds",
    ),
}


Processors = Annotated[
    tuple[Annotated[int, Meta(ge=0)], ...],
    Meta(min_length=1, description="a list of processors by their numbers"),
]
CPUS: Mapping[str, Key] = {
    "auto": Key(
        bool,
        f"choose from the machine's processors; with fewer than {FEWEST_TO_PIN} pin nothing",
        "true",
    ),
    "control_plane": Key(Processors, "processors of API server and etcd", "[0, 1]"),
    "server": Key(Processors, "processors of the server under test", "[2]"),
    "load": Key(Processors, "processors of load generator, writer and observers", "[3]"),
}


def scenario_keys(vocabulary: Vocabulary) -> Mapping[str, Key]:
    """Return the keys of a scenario, with the routes and faults of ``vocabulary``."""
    return {
        "name": Key(Name, "name of the scenario", '"steady"'),
        "route": Key(
            one_of(vocabulary.routes), "requests to the servers; left out: none", '"list-all"'
        ),
        "users": Key(
            whole(1, 1000),
            "closed model: clients; open model: most requests in flight; required with a route",
            "8",
        ),
        "pods": Key(whole(1, 50_000), "pods in the cluster", "1000"),
        "rate_rps": Key(
            number(0.1, 100_000),
            "offered rate of the open model; left out: the closed model",
            "10",
            "requests per second",
        ),
        "capacity_share": Key(
            number(0.01, 0.95),
            "in place of rate_rps: share of each server's rate at full speed in the plan's closed "
            "scenario of the same route, pods and churn",
            "0.5",
        ),
        "churn_per_s": Key(
            number(0, 1000), "changes of pods during the trial", "20", "writes per second"
        ),
        "arrivals": Key(Arrivals, "spacing of the open model's requests", '"poisson"'),
        "probe": Key(bool, "whether freshness probe and bystander run beside the load", "true"),
        "control": Key(bool, "whether the plan's control is measured in this scenario", "false"),
        "fresh_control_plane": Key(bool, "whether each trial starts its own control plane", "true"),
        "kubernetes": Key(Version, "version of the control plane", '"1.34"'),
        "apiserver_args": Key(
            Flags, "further flags of kube-apiserver", '["--feature-gates=WatchList=false"]'
        ),
        "server_cpus": Key(
            whole(1, 1024),
            "processors for the server alone; everything else shares the others",
            "2",
        ),
        "replicas": Key(
            whole(1, MAX_REPLICAS),
            "processes of the server that share the load, or of a client",
            "3",
        ),
        "workers": Key(whole(1, MAX_WORKERS), "worker processes of each replica", "2"),
        "fault": Key(
            one_of(vocabulary.faults), "failure of the API server in the window", '"freeze"'
        ),
        "fault_at_s": Key(
            number(1, 3600), "begin of the fault, from the start of the window", "8", "seconds"
        ),
        "fault_s": Key(number(1, 30), "length of the fault", "5", "seconds"),
    }


TABLES = {"scenarios": Scenario, "external": External, "client": Client, "objects": Objects}
"""The arrays of tables of a plan, and their models; ``cpus`` is a single table."""


def _keys(vocabulary: Vocabulary) -> list[tuple[str, Mapping[str, Key], type]]:
    return [
        ("", HEAD, Plan),
        ("scenarios", scenario_keys(vocabulary), Scenario),
        ("external", EXTERNAL, External),
        ("client", CLIENT, Client),
        ("objects", OBJECTS, Objects),
        ("cpus", CPUS, Cpus),
    ]


def default_of(model: type, key: str) -> Any:  # noqa: ANN401 - any field's default
    """Return the default of the model's field ``key``; ``MISSING`` if the key must be given."""
    return next(field.default for field in fields(model) if field.name == key)


def json_schema(vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the JSON schema of a plan, for editors that check TOML."""
    objects: dict[str, dict[str, Any]] = {
        table: {
            "type": "object",
            "additionalProperties": False,
            "properties": {name: key.schema for name, key in keys.items()},
            "required": [name for name in keys if default_of(model, name) is MISSING],
        }
        for table, keys, model in _keys(vocabulary)
    }
    plan = objects.pop("")
    for table, schema in objects.items():
        many = {"type": "array", "items": schema}
        plan["properties"][table] = many if table in TABLES else schema
    plan["required"].append("scenarios")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "informer-bench plan",
        **plan,
    }


_INTRODUCTION = """\
# The keys of a plan

A plan is a TOML file: `make bench PLAN=mine.toml`. Start from a plan in `bench/plans`.
`python -m bench docs plans.md` prints this page; `python -m bench docs plan.schema.json` prints the
schema beside it, by which TOML editors complete and check a plan that has
`#:schema docs/plan.schema.json` as its first line.
"""


def reference(vocabulary: Vocabulary) -> str:
    """Return the keys of a plan as a page of Markdown."""
    parts = [_INTRODUCTION]
    for table, keys, model in _keys(vocabulary):
        title = f"`[[{table}]]`" if table in TABLES else f"`[{table}]`"
        title = title if table else "At the top of the file"
        parts += [f"## {title}", "", "| key | takes | default | example | meaning |"]
        parts += ["|---|---|---|---|---|"]
        for name, key in keys.items():
            default = default_of(model, name)
            none = default is None or default == ()
            text = "required" if default is MISSING else "none" if none else default
            text = str(text).lower() if isinstance(text, bool) else text
            parts.append(
                f"| `{name}` | {key.takes} | {text} | `{name} = {key.example}` | {key.about} |"
            )
        parts.append("")
    return "\n".join(parts)
