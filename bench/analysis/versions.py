"""The same scenario on several versions of Kubernetes: what changed between them, server by server.

Trials of one round are pairs as they are between servers: each version has a control
plane of its own in every round, and every second round takes the versions backwards.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench.analysis.compare import Comparison, compare
from bench.analysis.intervals import CONFIDENCE, Interval
from bench.analysis.readpaths import times_of
from bench.analysis.scenario import ScenarioAnalysis
from bench.analysis.summary import Arm, Figure
from bench.model import Scenario


@dataclass(frozen=True, slots=True)
class Aspect:
    """One thing that a version may change."""

    key: str
    title: str
    per_1000: bool = False


ASPECTS = (
    Aspect("lists_from_etcd", "lists served from etcd for 1,000 reads", True),
    Aspect("lists_from_cache", "lists served from the watch cache for 1,000 reads", True),
    Aspect("etcd_requests", "requests to etcd for 1,000 reads", True),
    Aspect("etcd_bytes", "sent by etcd for 1,000 reads", True),
    Aspect("control_plane_cpu", "control-plane CPU for 1,000 reads", True),
    Aspect("etcd_cpu", "etcd CPU for 1,000 reads", True),
    Aspect("api_allocations", "allocated by the API server for 1,000 reads", True),
    Aspect("apiserver_memory_highest", "API server's memory, highest seen"),
    Aspect("api_bytes", "sent by the API server for 1,000 reads", True),
    Aspect("throughput", "reads answered in a second"),
    Aspect("p50", "median read"),
    Aspect("staleness_p50", "median staleness, at most"),
    Aspect("ready", "start to ready"),
    Aspect("ready_requests", "requests to the API server until ready"),
    Aspect("ready_bytes", "bytes from the API server until ready"),
)
"""Who served the list, what that cost, what came of it, and how a server starts.

At full speed costs are left out: each version answered another number of reads.
"""


@dataclass(frozen=True, slots=True)
class Across:
    """One aspect of one server: a figure a version, and the newest against the oldest."""

    aspect: Aspect
    figures: tuple[Figure | None, ...]
    times: Interval | None
    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class ServerAcross:
    """One server on every version."""

    server: str
    rows: tuple[Across, ...]

    def row(self, key: str) -> Across | None:
        """Return the row of an aspect, if it was measured."""
        return next((one for one in self.rows if one.aspect.key == key), None)


@dataclass(frozen=True, slots=True)
class VersionSet:
    """Scenarios that differ in nothing but the version, the oldest first."""

    scenarios: tuple[Scenario, ...]
    versions: tuple[str, ...]
    """To the patch, as the API servers called themselves."""
    servers: tuple[ServerAcross, ...]
    rounds: int


def version_sets(
    scenarios: Sequence[ScenarioAnalysis], confidence: float = CONFIDENCE
) -> tuple[VersionSet, ...]:
    """Return what can be compared between versions: nothing, in a run of one."""
    groups: dict[Scenario, list[ScenarioAnalysis]] = {}
    for one in scenarios:
        asked = replace(one.scenario, name="", kubernetes=None, control=True)
        groups.setdefault(asked, []).append(one)
    found = (_set(group, confidence) for group in groups.values())
    return tuple(one for one in found if one is not None)


def _set(group: Sequence[ScenarioAnalysis], confidence: float) -> VersionSet | None:
    by_version: dict[str, ScenarioAnalysis] = {}
    for one in group:
        version = _version_of(one)
        if version is not None:
            by_version.setdefault(version, one)
    if len(by_version) < 2:
        return None
    versions = sorted(by_version, key=_order)
    ordered = [by_version[version] for version in versions]
    names = dict.fromkeys(arm.server for one in ordered for arm in one.arms if arm.is_contender)
    servers = tuple(
        ServerAcross(name, tuple(_rows([_arm(one, name) for one in ordered], confidence)))
        for name in names
    )
    rounds = max(
        (len(one.comparison.pairs) for s in servers for one in s.rows if one.comparison), default=0
    )
    return VersionSet(tuple(one.scenario for one in ordered), tuple(versions), servers, rounds)


def _version_of(one: ScenarioAnalysis) -> str | None:
    """Return what the API servers of the trials called themselves; else what was asked for."""
    said = (fact.record.kubernetes for arm in one.arms for fact in arm.facts)
    return next((version for version in said if version), one.scenario.kubernetes)


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


def _arm(one: ScenarioAnalysis, server: str) -> Arm | None:
    return next((arm for arm in one.arms if arm.server == server), None)


def _rows(arms: Sequence[Arm | None], confidence: float) -> Iterator[Across]:
    oldest, newest = arms[0], arms[-1]
    for aspect in ASPECTS:
        if aspect.per_1000 and not all(arm.scenario.is_open for arm in arms if arm):
            continue
        figures = tuple(None if arm is None else _figure(arm, aspect) for arm in arms)
        if all(one is None or one.interval is None for one in figures):
            continue
        found = None
        if oldest is not None and newest is not None:
            found = compare(
                newest, oldest, aspect.key, per_1000=aspect.per_1000, confidence=confidence
            )
        yield Across(aspect, figures, None if found is None else times_of(found), found)


def _figure(arm: Arm, aspect: Aspect) -> Figure:
    found: Mapping[str, Figure] = arm.per_1000 if aspect.per_1000 else arm.figures
    return found[aspect.key]
