"""When the API server fails: for each fault, which server went on, and how it came back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bench.analysis.faults import FaultAnalysis, FaultArm
from bench.analysis.faulttrial import AFTER_S, AgeBy, Stretch
from bench.analysis.run import RunAnalysis
from bench.report.chart import Chart
from bench.report.charts.fault import fault_chart
from bench.report.charts.palette import colour_of
from bench.report.footnotes import Note, notes_of
from bench.report.numbers import MISSING, NO_BREAK, number, share
from bench.report.svg import css_colour
from bench.report.tables import Cell, Group, Row
from bench.store import RunReader

AT_LEAST = f"\N{GREATER-THAN OR EQUAL TO}{NO_BREAK}"


@dataclass(frozen=True, slots=True)
class FaultSection:
    """One fault of the page."""

    anchor: str
    analysis: FaultAnalysis
    title: str
    lead: str
    groups: tuple[Group, ...]
    chart: Chart | None
    notes: tuple[Note, ...]
    colours: dict[str, str]
    """CSS colour by server."""


def fault_sections(analysis: RunAnalysis, reader: RunReader | None) -> list[FaultSection]:
    """Return a section a scenario with a fault; without ``reader`` they have no chart."""
    return [
        _section(f"f{index}", one, analysis, reader) for index, one in enumerate(analysis.faults)
    ]


def headline(analysis: RunAnalysis) -> str:
    """Say in one sentence who went on answering, over all faults; empty without any."""
    told: dict[str, list[int]] = {}
    for fault in analysis.faults:
        for arm in fault.arms:
            sums = told.setdefault(arm.server, [0, 0])
            sums[0] += arm.answers.in_time
            sums[1] += arm.answers.asked
    said = [
        f"{server} answered {share(done / asked)}% of the reads"
        for server, (done, asked) in sorted(told.items(), key=lambda item: -_rate(item[1]))
        if asked
    ]
    if not said:
        return ""
    kinds = len(analysis.faults)
    how = "was made to fail" if kinds == 1 else f"was made to fail in {kinds} ways"
    return f"While the API server {how}, {_joined(said)}."


def _rate(counts: Sequence[int]) -> float:
    return counts[0] / counts[1] if counts[1] else 0.0


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _section(
    anchor: str, fault: FaultAnalysis, analysis: RunAnalysis, reader: RunReader | None
) -> FaultSection:
    servers = [arm.server for arm in fault.arms]
    colours = {server: colour_of(server, servers) for server in servers}
    chart = fault_chart(reader, fault, colours, f"{anchor}-fault") if reader else None
    what = fault.what[0].upper() + fault.what[1:]
    return FaultSection(
        anchor=anchor,
        analysis=fault,
        title=f"{what}, {number(fault.lasted_s)}{NO_BREAK}s",
        lead=lead(fault),
        groups=tuple(groups(fault)) if fault.arms else (),
        chart=chart,
        notes=tuple(notes_of(analysis.caveats, fault.scenario.name, servers)),
        colours={server: css_colour(colour) for server, colour in colours.items()},
    )


def lead(fault: FaultAnalysis) -> str:
    """Say who was answered while it lasted, and how long each took to be fresh again."""
    said = []
    for arm in fault.arms:
        answers = arm.answers
        if not answers.asked:
            continue
        said.append(
            f"{arm.server} answered {answers.in_time:,} of {answers.asked:,} reads while it "
            f"lasted and was {_fresh_words(arm)}"
        )
    return f"{'; '.join(said)}." if said else "No trial shows what came of it."


def _fresh_words(arm: FaultArm) -> str:
    known = [one for one in arm.fresh_s if one is not None]
    if len(known) < len(arm.fresh_s):
        return "not fresh again within the window"
    return f"fresh again {number(max(known))} s after"


def groups(fault: FaultAnalysis) -> list[Group]:
    """Return the table's rows: the stretch of the fault, and what came after."""
    arms = fault.arms

    def row(
        title: str, unit: str, cell: Callable[[FaultArm], Cell], *, strong: bool = False
    ) -> Row:
        return Row(title, unit, tuple(cell(arm) for arm in arms), strong=strong)

    return [
        Group(
            "While it lasted",
            (
                row("reads answered meanwhile", "%", _in_time, strong=True),
                row("median wait of a read", "ms", lambda arm: _median(arm.meanwhile)),
                row("longest wait of an answered read", "ms", lambda arm: _longest(arm.meanwhile)),
                row("oldest answer given meanwhile", "s", _oldest, strong=True),
                row("requests that reached the API server", "a round", _meanwhile),
            ),
            "Waits are from the intended start. Reads that failed count as the time-out at least.",
        ),
        Group(
            "When it was over",
            (
                row("until an answer showed a write made after", "s", _fresh, strong=True),
                row("until no read failed any more", "s", _errors_stop),
                row(f"reads answered in the first {AFTER_S:g} s", "%", _answered_after),
                row("median wait of a read then", "ms", lambda arm: _median(arm.after)),
                row("longest wait of an answered read then", "ms", lambda arm: _longest(arm.after)),
                row(
                    f"requests that reached the API server in the first {AFTER_S:g} s",
                    "a round",
                    partial(_herd, replicas=fault.scenario.replicas),
                    strong=True,
                ),
                row("most of them in one second", "", _busiest),
                row("whole states fetched anew", "all rounds", _refills),
            ),
            "A killed API server counts as back when it answers a list; what reached it is counted "
            "from its process's start.",
        ),
    ]


def _in_time(arm: FaultArm) -> Cell:
    one = arm.answers
    if not one.asked:
        return Cell(MISSING)
    parts = [f"{one.in_time:,} of {one.asked:,}"]
    if one.late:
        parts.append(f"{one.late:,} when it was over")
    if one.failed:
        parts.append(f"{one.failed:,} failed")
    return Cell(share(one.in_time / one.asked), "; ".join(parts))


def _median(stretch: Stretch) -> Cell:
    found = stretch.felt.percentile(0.5)
    if found.value_ms is None:
        return Cell(MISSING, remark=found.withheld or "")
    return Cell(f"{AT_LEAST if found.at_least else ''}{number(found.value_ms)}")


def _longest(stretch: Stretch) -> Cell:
    return Cell(number(stretch.longest_ms))


def _oldest(arm: FaultArm) -> Cell:
    age = arm.oldest
    if age is None:
        return Cell(MISSING, remark="none was given")
    by = {AgeBy.PROBE: "by the probe", AgeBy.LAST_WRITE: "since the last write"}[age.by]
    return Cell(number(age.seconds), by)


def _meanwhile(arm: FaultArm) -> Cell:
    return _of_rounds([one.herd.meanwhile for one in arm.trials if one.herd is not None])


def _fresh(arm: FaultArm) -> Cell:
    known = [one for one in arm.fresh_s if one is not None]
    if len(known) < len(arm.fresh_s):
        seen = min(one.seen_s for one in arm.trials if one.fresh_s is None)
        of = f"in {len(arm.fresh_s) - len(known)} of {len(arm.fresh_s)} rounds"
        return Cell(f"{AT_LEAST}{number(seen)}", of if len(arm.fresh_s) > 1 else "")
    return _worst(known)


def _worst(seconds: Sequence[float]) -> Cell:
    if len(seconds) < 2:
        return Cell(number(max(seconds)))
    return Cell(number(max(seconds)), f"at the most; least {number(min(seconds))}")


def _errors_stop(arm: FaultArm) -> Cell:
    longest = arm.errors_stop_s
    if longest is None:
        return Cell("0", "none failed")
    lasting = any(one.still_failing for one in arm.trials)
    failed = f"{sum(one.errors for one in arm.trials):,} failed in all"
    return Cell(f"{AT_LEAST if lasting else ''}{number(longest)}", failed)


def _answered_after(arm: FaultArm) -> Cell:
    after = arm.after
    if not after.asked:
        return Cell(MISSING)
    return Cell(share(after.answered / after.asked), f"{after.answered:,} of {after.asked:,}")


def _herd(arm: FaultArm, replicas: int) -> Cell:
    herds = [one.herd for one in arm.trials if one.herd is not None]
    cell = _of_rounds([one.requests for one in herds])
    if not herds:
        return cell
    usual = sum(one.usual for one in herds) / len(herds)
    each = sum(one.requests for one in herds) / len(herds) / replicas
    of_each = f"; {number(each)} a replica" if replicas > 1 else ""
    return Cell(cell.value, f"else {number(usual)}{of_each}")


def _busiest(arm: FaultArm) -> Cell:
    herds = [one.herd for one in arm.trials if one.herd is not None]
    return Cell(f"{max(one.busiest_s for one in herds):,}") if herds else Cell(MISSING)


def _refills(arm: FaultArm) -> Cell:
    found = arm.refills
    told = ", ".join(f"{count} {reason}" for reason, count in found.items())
    return Cell(f"{sum(found.values())}", told)


def _of_rounds(counts: Sequence[int]) -> Cell:
    if not counts:
        return Cell(MISSING, remark="no audit log")
    return Cell(number(sum(counts) / len(counts)))
