"""Fixed texts of a report, from ``templates/prose.toml``: messages in English."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from bench.model import Cpus, Environment, Plan
from bench.model.message import Message, plural
from bench.report.numbers import number, per_cent

SHORTEST_WATCH_S = 300
"""Informers ask for watches of this to twice this (client-go's reflector, as kube-informer)."""
_FILE = resources.files("bench.report") / "templates" / "prose.toml"
_TEXTS: Mapping[str, Any] = tomllib.loads(_FILE.read_text(encoding="utf-8"))
TERMS = ("glossary", "fault_words")
"""Kinds of texts whose names are shown as well."""


def text(key: str, **slots: object) -> Message:
    """Return a text with its slots filled; raises ``KeyError`` for an unknown text or slot."""
    return Message(_TEXTS[key], slots)


@cache
def texts(key: str) -> Mapping[str, Message]:
    """Return texts of one kind by their names."""
    named = Message if key in TERMS else str
    return {named(name): Message(msgid) for name, msgid in _TEXTS[key].items()}


def paragraphs(key: str) -> tuple[Message, ...]:
    """Return the texts of a list."""
    return tuple(map(Message, _TEXTS[key]))


def msgids() -> Iterator[str]:
    """Yield every text of the file, for the catalogues of other languages."""
    for key, value in _TEXTS.items():
        if isinstance(value, str):
            yield value
        elif key == "features":
            yield from (feature[part] for feature in value for part in ("name", "does"))
        elif isinstance(value, list):
            yield from value
        else:
            yield from (*value, *value.values()) if key in TERMS else value.values()


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that the API server does by default from a minor of Kubernetes 1 on."""

    name: str
    does: str
    since: int
    also_in: frozenset[int]

    def is_on(self, version: str) -> bool:
        """Return whether an API server of ``version`` does it by default."""
        minor = int(re.findall(r"\d+", version)[1])
        return minor >= self.since or minor in self.also_in


FEATURES = tuple(
    Feature(Message(row["name"]), Message(row["does"]), row["since"], frozenset(row["also_in"]))
    for row in _TEXTS["features"]
)


def _pinning(cpus: Cpus, *, existing: bool) -> tuple[str, ...]:
    """Say which part ran on which processors; empty if they were not to be pinned."""
    if not cpus.server:
        return (text("method_unpinned"),) if cpus.auto else ()
    pinned = replace(cpus, control_plane=()) if existing else cpus  # another's is not pinned
    return (text("method_pinned", parts=str(pinned)),)


def method(plan: Plan, environment: Environment) -> tuple[str, ...]:
    """Return the paragraphs that describe how a run was measured."""
    where = "method_existing" if environment.existing else "method_throwaway"
    versions = {"kubernetes": environment.kubernetes, "etcd": environment.etcd}
    trials: dict[str, object] = {
        "servers": ", ".join(plan.servers),
        "rounds": plural(plan.rounds, "round", "rounds"),
    }
    adaptive: tuple[str, ...] = ()
    if plan.precision:
        slots = {"most_rounds": plan.most_rounds, "precision": per_cent(plan.precision)}
        adaptive = (text("method_adaptive", **slots),)
    if plan.most_minutes:
        adaptive += (text("method_bounded", minutes=number(plan.most_minutes)),)
    trials |= {"warmup": number(plan.warmup_s), "duration": number(plan.duration_s)}
    paragraph, further = text("method_trials", **trials), paragraphs("method")
    if not plan.has_load:
        paragraph, further = text("method_clients", **trials), (paragraphs("method")[-1],)
    return (
        text(where, seed=plan.seed, processors=environment.processors, **versions),
        paragraph,
        *adaptive,
        *_pinning(plan.cpus, existing=environment.existing),
        *([text("method_renewal")] if plan.duration_s < SHORTEST_WATCH_S else []),
        *([text("method_left_out", names=", ".join(plan.left_out))] if plan.left_out else []),
        *further,
    )
