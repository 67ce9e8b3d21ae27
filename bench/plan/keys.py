"""The keys that a plan, a scenario and an external server may have, and what each takes."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from bench.model import Arrivals
from bench.plan.toml_schema import Key, flag_of, name_of, names_of, number_of, text_of

MAX_REPLICAS = 20
VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
MAX_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that a plan may use for servers, routes and faults."""

    servers: Collection[str]
    routes: Collection[str]
    faults: Collection[str] = ()


HEAD: Mapping[str, Key] = {
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

EXTERNAL: Mapping[str, Key] = {
    "name": Key("a name of lower-case letters, digits and hyphens", name_of),
    "command": Key("a line for /bin/sh, which may use $PORT and $KUBECONFIG", text_of),
    "ready_timeout_s": Key("seconds as a number from 1 to 3600", number_of(1, 3600, whole=False)),
}


def _version(value: Any) -> str:  # noqa: ANN401 - any TOML value
    if not isinstance(value, str) or not VERSION.fullmatch(value):
        raise ValueError
    return value


def scenario_keys(vocabulary: Vocabulary) -> Mapping[str, Key]:
    """Return the keys of a scenario, with routes and faults by the ``vocabulary``."""

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
