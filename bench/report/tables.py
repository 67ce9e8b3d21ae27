"""The tables of the page as plain rows of text, ready for the template."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.analysis.latency import Percentile
from bench.analysis.ledgers import Count, Ledgers
from bench.analysis.metrics import COSTS, METRICS, PERCENTILES, Facts
from bench.analysis.run import RunAnalysis, ScenarioAnalysis
from bench.analysis.summary import Arm, Figure
from bench.model import Outcome
from bench.report.footnotes import Note
from bench.report.numbers import MISSING, Scale, interval, number, scale_for


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure: its value, its spread, a word beside it, and the notes it points at."""

    value: str
    spread: str = ""
    remark: str = ""
    notes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One row of figures, a cell an arm; ``strong`` rows answer the main question."""

    title: str
    unit: str
    cells: tuple[Cell, ...]
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that belong together, under a heading of their own."""

    title: str
    rows: tuple[Row, ...]
    remark: str = ""


def headline(scenario: ScenarioAnalysis, notes: Sequence[Note]) -> list[Group]:
    """Return the arms side by side: load on the API server, what clients felt, what it cost."""
    arms = scenario.arms
    build = Builder(arms, notes)
    has_floor = any(arm.is_floor for arm in arms)
    requests = (
        build.figures("api_requests", "for 1,000 reads", "requests", per_1000=True, strong=True),
        build.figures("api_requests", "in a second", "requests"),
    )
    felt = (
        *build.percentiles(),
        build.figures("service_p50", "p50, from the actual send", "latency"),
        build.figures("throughput", "reads answered in a second", "throughput", strong=True),
    )
    return [
        Group("Requests that reached the API server", requests),
        Group("What clients felt", felt, _load_remark(scenario)),
        *_cost_groups(scenario, build, has_floor=has_floor),
        Group(
            "What it costs the application",
            (
                build.figures("memory_end", "memory at the end, PSS", "state"),
                build.figures("memory_peak", "memory, peak, PSS", "state"),
                build.figures("server_cpu", "CPU in a second", "cost"),
                build.figures("server_cpu", "CPU for 1,000 reads", "cost", per_1000=True),
                build.figures("ready", "start to ready", "state"),
            ),
        ),
    ]


def _load_remark(scenario: ScenarioAnalysis) -> str:
    one = scenario.scenario
    if one.rate_rps is not None:
        return f"Offered: {number(one.rate_rps)} reads a second, whatever the server does."
    return f"Offered: {one.users} clients, each asks again as soon as it was answered."


def _cost_groups(scenario: ScenarioAnalysis, build: "Builder", *, has_floor: bool) -> list[Group]:
    floor = (
        "What none (same churn and observers, no server, no load) shows in the same round is "
        "subtracted, and its own column shows what that was. Below each figure: its 95% interval."
        if has_floor
        else "Of the whole process: this run has no arm without a server to subtract."
    )
    if not scenario.scenario.is_open:
        rows: tuple[Row, ...] = (build.figures("apiserver_cpu", "CPU in a second", "cost"),)
        remark = (
            "Not like for like: at full speed each arm answered another number of reads. "
            "Costs are compared under an equal, fixed rate. "
        )
        return [Group("API-server CPU while this ran", rows, remark + floor)]
    titles = {
        "apiserver_cpu": "API-server CPU in a second",
        "etcd_cpu": "etcd CPU in a second",
        "api_bytes": "sent by the API server",
        "api_allocations": "allocated by the API server",
        "etcd_requests": "requests to etcd in a second",
    }
    if scenario.scenario.fresh_control_plane:
        titles["apiserver_memory_highest"] = "API server's memory, highest seen"
        titles["etcd_memory_highest"] = "etcd's memory, highest seen"
    rows = tuple(
        build.figures(key, titles[key], "cost", strong=key == "apiserver_cpu")
        for key in (cost.key for cost in COSTS)
        if key in titles
    )
    per_read = build.figures(
        "apiserver_cpu", "API-server CPU for 1,000 reads", "cost", per_1000=True
    )
    return [Group("What it costs the control plane", (rows[0], per_read, *rows[1:]), floor)]


class Builder:
    """Makes rows of cells for the same arms and notes."""

    def __init__(self, arms: Sequence[Arm], notes: Sequence[Note]) -> None:
        self._arms = arms
        self._notes = notes

    def figures(
        self, key: str, title: str, group: str, *, per_1000: bool = False, strong: bool = False
    ) -> Row:
        """Return the row of the metric ``key``; ``group`` says which caveats concern it."""
        found = [(arm.per_1000 if per_1000 else arm.figures)[key] for arm in self._arms]
        unit = found[0].metric.unit if found else ""
        unit = unit.split("/")[0] if per_1000 else unit
        scale = scale_for((one.interval.value for one in found if one.interval), unit)
        cells = tuple(
            self._cell(arm, one, scale, group) for arm, one in zip(self._arms, found, strict=True)
        )
        # "in a second" is in the title already; bytes say it, since kB and kB/s both occur.
        shown = scale.unit if unit.startswith("B") else scale.unit.split("/")[0]
        return Row(title, shown, cells, strong=strong)

    def _cell(self, arm: Arm, figure: Figure, scale: Scale, group: str) -> Cell:
        if figure.interval is None:
            remark = "" if arm.is_floor else (figure.missing or "not measured")
            return Cell(MISSING, remark=remark, notes=self._pointing(arm, group))
        shown = scale.show(figure.interval.value)
        spread = _unless_equal(spread_of(figure, scale), shown)
        return Cell(shown, spread, notes=self._pointing(arm, group))

    def percentiles(self) -> tuple[Row, ...]:
        """Return the pooled percentiles from the intended start, a row each."""
        rows = []
        for index in range(len(PERCENTILES)):
            found = [arm.percentiles[index] for arm in self._arms]
            scale = scale_for((one.value_ms for one in found), "ms")
            cells = tuple(
                self._percentile(arm, one, scale)
                for arm, one in zip(self._arms, found, strict=True)
            )
            title = f"p{PERCENTILES[index] * 100:.0f}, from the intended start"
            rows.append(Row(title, scale.unit, cells, strong=index != 1))
        return tuple(rows)

    def _percentile(self, arm: Arm, one: Percentile, scale: Scale) -> Cell:
        if arm.is_floor:
            return Cell(MISSING)
        notes = self._pointing(arm, "latency")
        if one.value_ms is None:
            pointing = (*notes, *self._pointing(arm, "withheld"))
            return Cell(MISSING, remark="withheld", notes=pointing)
        prefix = "\N{GREATER-THAN OR EQUAL TO}\N{NO-BREAK SPACE}" if one.at_least else ""
        shown = scale.show(one.value_ms)
        spread = _unless_equal(self._spread(arm, one.q, scale), shown)
        return Cell(prefix + shown, spread, notes=notes)

    @staticmethod
    def _spread(arm: Arm, q: float, scale: Scale) -> str:
        """The least and the most of the rounds' own percentiles, where each can carry one."""
        rounds = arm.figures[f"p{q * 100:.0f}"].rounds
        if len(rounds) < 2 or len(rounds) < len(arm.facts):
            return ""
        return interval(min(rounds.values()), max(rounds.values()), scale)

    def _pointing(self, arm: Arm, group: str) -> tuple[int, ...]:
        return tuple(note.number for note in self._notes if note.concerns(arm.server, group))


def spread_of(figure: Figure, scale: Scale) -> str:
    """Say how sure a figure is: a difference by its interval, else the least and most of a round.

    A count of zero is given its exact upper bound, for three zeros are not certainty.
    """
    one = figure.interval
    if one is None:
        return ""
    if figure.metric.above_floor:
        return interval(one.low, one.high, scale)
    if figure.metric.over_window and one.value == 0 and one.high:
        return f"at most {scale.show(one.high)} (95%)"
    rounds = figure.rounds.values()
    return interval(min(rounds), max(rounds), scale) if len(rounds) > 1 else ""


def _unless_equal(shown: str, value: str) -> str:
    """An interval that reads like the value itself says nothing more."""
    return "" if shown == value else shown


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One trial's three ledgers; counts as text, an en dash where there is none."""

    trial: str
    client: str
    audit_user: str
    audit_all: str
    metric: str
    agree: str
    detail: tuple[str, ...]


def ledgers(facts: Iterable[Facts]) -> list[LedgerRow]:
    """Return the ledgers of every trial side by side."""
    words = {True: "agree", False: "differ", None: "not comparable"}
    rows = []
    for fact in facts:
        one: Ledgers = fact.ledgers
        rows.append(
            LedgerRow(
                trial=fact.record.trial.folder,
                client=_total(one.client),
                audit_user=_total(one.audit_user),
                audit_all=_total(one.audit_all),
                metric=_total(one.metric),
                agree=words[one.agree],
                detail=(*(str(each) for each in one.disagreements), *one.missing),
            )
        )
    return rows


def _total(count: Count | None) -> str:
    return MISSING if count is None else f"{count.total():,}"


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One trial as it went, good or not."""

    folder: str
    outcome: str
    reads: str
    failed: str
    rate: str
    p50: str
    requests: str
    generator: str
    lag: str
    ready: str
    equal: str


def trials(analysis: RunAnalysis) -> list[TrialRow]:
    """Return every trial that was written, in the order they were made."""
    facts = {fact.record.trial.order: fact for fact in analysis.facts}
    rows = []
    for record in analysis.trials:
        fact = facts.get(record.trial.order)
        reached = fact.ledgers.reached if fact else None
        median = fact.felt.percentile(0.5) if fact else None
        share = record.generator_cpu_share
        equal = {True: "yes", False: "no", None: MISSING}[record.equal_to_list]
        ok = record.outcome is Outcome.OK
        rows.append(
            TrialRow(
                folder=record.trial.folder,
                outcome="ok" if ok else f"failed: {record.failure or 'no reason recorded'}",
                reads=f"{record.answered:,}",
                failed=f"{record.failed + record.dropped:,}",
                rate=number(record.achieved_rps),
                p50=number(median.value_ms if median else None),
                requests=_total(reached),
                generator=MISSING if share is None else f"{share:.0%}",
                lag=number(record.schedule_lag_p99_ms),
                ready=number(record.ready_s),
                equal=equal,
            )
        )
    return rows


def sources() -> list[tuple[str, str, str]]:
    """Return title, unit and origin of every metric."""
    return [(metric.title, metric.unit, metric.source) for metric in METRICS]
