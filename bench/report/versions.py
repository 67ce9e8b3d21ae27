"""Between versions of Kubernetes: a table a scenario, what was switched on, and a chart.

When the switches were thrown: WatchList by its gate's history in k8s.io/apiserver,
pkg/features/kube_features.go of v0.37.2 (on by default in 1.32, off in 1.33, on from
1.34); consistent reads from cache and streaming encoding by the Kubernetes blog's
articles on v1.31 (beta, on by default) and v1.33 ("Streaming List responses").
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.intervals import INDICATIVE_BELOW
from bench.analysis.summary import Figure
from bench.analysis.versions import Across, ServerAcross, VersionSet
from bench.report.chart import Chart
from bench.report.charts.versions import version_chart
from bench.report.numbers import MISSING, Scale, number, scale_for
from bench.report.readpaths import factor_of, with_unit
from bench.report.tables import spread_of
from bench.report.versus import in_words


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that the API server does by default in ``minors`` of Kubernetes 1 and later."""

    name: str
    does: str
    since: int
    also_in: frozenset[int] = frozenset()

    def is_on(self, version: str) -> bool:
        """Tell whether an API server of ``version`` does it unless told otherwise."""
        minor = int(re.findall(r"\d+", version)[1])
        return minor >= self.since or minor in self.also_in


FEATURES = (
    Feature(
        "Consistent reads from cache",
        "a LIST that names no resourceVersion is answered from the watch cache once etcd has said "
        "how new that must be; before, etcd read and sent every object. On 1.34 the API server "
        "counts that question among the lists from etcd, beside the one that the cache served",
        31,
    ),
    Feature(
        "Streaming encoding of lists",
        "a list is encoded and sent item by item; before, the whole answer was made in memory",
        33,
    ),
    Feature(
        "WatchList",
        "an informer gets its first state as a stream of events; without, it asks for it, is "
        "refused, and falls back to a LIST and a watch",
        34,
        frozenset({32}),
    ),
)


@dataclass(frozen=True, slots=True)
class VersionCell:
    """One figure on one version, and how far its rounds lie apart."""

    value: str
    spread: str


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One aspect: a cell a version, and the newest against the oldest."""

    title: str
    cells: tuple[VersionCell, ...]
    factor: str
    interval: str


@dataclass(frozen=True, slots=True)
class VersionSection:
    """All that is said of one set of scenarios."""

    anchor: str
    title: str
    caption: str
    versions: tuple[str, ...]
    against: str
    said: tuple[str, ...]
    features: tuple[tuple[str, str], ...]
    groups: tuple[tuple[str, tuple[VersionRow, ...]], ...]
    chart: Chart | None


def version_sections(sets: Sequence[VersionSet]) -> list[VersionSection]:
    """Return a section for each set."""
    return [_section(index, one) for index, one in enumerate(sets)]


def _section(index: int, one: VersionSet) -> VersionSection:
    first, oldest, newest = one.scenarios[-1], one.versions[0], one.versions[-1]
    load = (
        f"{first.users} clients at full speed"
        if first.rate_rps is None
        else f"{number(first.rate_rps)} reads/s offered"
    )
    return VersionSection(
        anchor=f"versions{index}",
        title=f"Between Kubernetes {' and '.join(one.versions)}",
        caption=_caption(one, load),
        versions=one.versions,
        against=f"{newest} against {oldest}",
        said=tuple(text for server in one.servers if (text := _said(server, one))),
        features=tuple(
            (feature.name, _switched(feature, one.versions))
            for feature in FEATURES
            if len({feature.is_on(version) for version in one.versions}) > 1
        ),
        groups=tuple(
            (server.server, tuple(_row(row) for row in server.rows))
            for server in one.servers
            if server.rows
        ),
        chart=version_chart(one, f"versions{index}-chart"),
    )


def _caption(one: VersionSet, load: str) -> str:
    first = one.scenarios[-1]
    few = " Indicative: few rounds." if one.rounds < INDICATIVE_BELOW else ""
    return (
        f"{first.route}, {first.pods:,} pods, {number(first.churn_per_s)} writes/s, {load}; each "
        "version with a control plane of its own in every round. CPU, bytes, lists and "
        "allocations are beyond what the cluster shows without a server. Below each figure: the "
        "95% interval, or the least and the most of a round. Last column: how many times the "
        f"figure of {one.versions[0]} that of {one.versions[-1]} is, with the 95% interval, "
        f"paired over {one.rounds} rounds.{few}"
    )


def _switched(feature: Feature, versions: Sequence[str]) -> str:
    on = [version for version in versions if feature.is_on(version)]
    off = [version for version in versions if not feature.is_on(version)]
    return f"on by default in {' and '.join(on)}, and not in {' or '.join(off)}: {feature.does}."


def _row(row: Across) -> VersionRow:
    known = [one.interval.value for one in row.figures if one is not None and one.interval]
    metric = next(one.metric for one in row.figures if one is not None)
    unit = metric.unit.split("/")[0] if row.aspect.per_1000 else metric.unit
    scale = scale_for(known, unit)
    cells = tuple(
        VersionCell(MISSING, (one.missing if one else None) or "not measured")
        if one is None or one.interval is None
        else _shown(one, scale)
        for one in row.figures
    )
    factor, interval = ("", "") if row.times is None else factor_of(row.times)
    return VersionRow(with_unit(row.aspect.title, scale), cells, factor, interval)


def _shown(one: Figure, scale: Scale) -> VersionCell:
    assert one.interval is not None, "only asked about what was measured"
    value, spread = scale.show(one.interval.value), spread_of(one, scale)
    return VersionCell(value, "" if spread == value else spread)


def _said(server: ServerAcross, one: VersionSet) -> str:
    """Say of a server who served its lists, and by how many times its cost changed."""
    parts = [
        text for text in (_who_served(server, one), _cost(server), _start(server, one)) if text
    ]
    return f"{server.server}: {'; '.join(parts)}." if parts else ""


def _ends(row: Across | None) -> tuple[float, float] | None:
    """Return an aspect's figure on the oldest and on the newest version."""
    if row is None:
        return None
    oldest, newest = row.figures[0], row.figures[-1]
    if oldest is None or newest is None or oldest.interval is None or newest.interval is None:
        return None
    return oldest.interval.value, newest.interval.value


def _who_served(server: ServerAcross, one: VersionSet) -> str:
    found = _ends(server.row("lists_from_etcd"))
    if found is None:
        return ""
    shown = [number(max(0.0, round(value))) for value in found]
    return (
        f"of the lists for 1,000 reads etcd served {shown[0]} on {one.versions[0]} and "
        f"{shown[1]} on {one.versions[-1]}"
    )


def _cost(server: ServerAcross) -> str:
    row = server.row("control_plane_cpu")
    if row is None or row.comparison is None or row.comparison.ratio is None:
        return ""
    return f"control-plane CPU: {in_words(row.comparison.ratio, 'times as much', 'times less')}"


def _start(server: ServerAcross, one: VersionSet) -> str:
    found = _ends(server.row("ready_requests"))
    if found is None or found[0] == found[1]:
        return ""
    return (
        f"requests to the API server until ready: {number(found[0])} on {one.versions[0]}, "
        f"{number(found[1])} on {one.versions[-1]}"
    )
