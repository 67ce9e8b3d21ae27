"""Fixed texts of a report, from ``templates/prose.toml``: English and nothing else.

They are data, so that another language is another file. What depends on how a run came
out is in ``sentences``; titles and words of metrics are in ``bench.metrics``.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

from bench.model import Cpus, Environment, Plan
from bench.report.numbers import number, per_cent

_FILE = resources.files("bench.report") / "templates" / "prose.toml"
_TEXTS: Mapping[str, Any] = tomllib.loads(_FILE.read_text(encoding="utf-8"))


def text(key: str, **slots: object) -> str:
    """Return a text with its slots filled; raises ``KeyError`` for an unknown text or slot."""
    shown: str = _TEXTS[key].format(**slots)
    return shown


def texts(key: str) -> Mapping[str, str]:
    """Return texts of one kind by their names."""
    found: Mapping[str, str] = _TEXTS[key]
    return found


def paragraphs(key: str) -> tuple[str, ...]:
    """Return the texts of a list."""
    return tuple(_TEXTS[key])


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that the API server does by default from a minor of Kubernetes 1 on."""

    name: str
    does: str
    since: int
    also_in: frozenset[int]

    def is_on(self, version: str) -> bool:
        """Tell whether an API server of ``version`` does it unless told otherwise."""
        minor = int(re.findall(r"\d+", version)[1])
        return minor >= self.since or minor in self.also_in


FEATURES = tuple(
    Feature(one["name"], one["does"], one["since"], frozenset(one["also_in"]))
    for one in _TEXTS["features"]
)


def _pinning(cpus: Cpus, *, existing: bool) -> tuple[str, ...]:
    """Say on which processors what ran; nothing where they were not to be pinned."""
    if not cpus.server:
        return (text("method_unpinned"),) if cpus.auto else ()
    told = replace(cpus, control_plane=()) if existing else cpus  # nobody pins what is others'
    return (text("method_pinned", parts=str(told)),)


def method(plan: Plan, environment: Environment) -> tuple[str, ...]:
    """Return how a run was measured, a paragraph an item."""
    where = "method_existing" if environment.existing else "method_throwaway"
    versions = {"kubernetes": environment.kubernetes, "etcd": environment.etcd}
    trials = {"servers": ", ".join(plan.servers), "rounds": plan.rounds}
    adaptive: tuple[str, ...] = ()
    if plan.precision:
        wanted = {"most_rounds": plan.most_rounds, "precision": per_cent(plan.precision)}
        adaptive = (text("method_adaptive", **wanted),)
    if plan.most_minutes:
        adaptive += (text("method_bounded", minutes=number(plan.most_minutes)),)
    return (
        text(where, seed=plan.seed, processors=environment.processors, **versions),
        text(
            "method_trials",
            warmup=number(plan.warmup_s),
            duration=number(plan.duration_s),
            **trials,
        ),
        *adaptive,
        *_pinning(plan.cpus, existing=environment.existing),
        *paragraphs("method"),
    )
