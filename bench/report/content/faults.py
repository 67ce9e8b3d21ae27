"""When the API server fails: for each fault, which server went on, and how it came back."""

from collections.abc import Callable, Iterator, Sequence

from bench.analysis import RunData
from bench.analysis.faults import AFTER_S, AgeBy, FaultAnalysis, FaultArm, FaultRound, Stretch
from bench.analysis.result import RunAnalysis
from bench.model import Outcome, TrialRecord
from bench.report import prose, sentences
from bench.report.charts import Chart, Head
from bench.report.charts.timeline import Labels, Story, fault_timeline, story_of
from bench.report.content.rows import notes_of
from bench.report.document import (
    Cell,
    Charts,
    Column,
    Depth,
    Group,
    Part,
    Row,
    Section,
    Sentence,
    Table,
    Text,
    Texts,
)
from bench.report.numbers import AT_LEAST, MISSING, NO_BREAK, number, share


def fault_answer(analysis: RunAnalysis) -> Sentence | None:
    """Say in one sentence who went on answering, over all faults; ``None`` without any."""
    answered: dict[str, tuple[int, int]] = {}
    for fault in analysis.faults:
        for arm in fault.arms:
            done, asked = answered.get(arm.server, (0, 0))
            answered[arm.server] = done + arm.in_time, asked + arm.asked
    text = sentences.fault_headline(answered, len(analysis.faults))
    return Sentence(text) if text else None


def fault_section(analysis: RunAnalysis, data: RunData | None) -> Iterator[Section]:
    """Return the section on faults, where the run has some; without ``data`` it has no chart."""
    if not analysis.faults:
        return
    answer = fault_answer(analysis)
    lead = (Text(answer.text, role="lead"),) if answer and analysis.scenarios else ()
    words = Texts(
        tuple(Text(text, term=term) for term, text in prose.texts("fault_words").items()),
        depth=Depth.PAGE,
    )
    yield Section(
        "faults",
        "When the API server fails",
        (
            *lead,
            Text(prose.text("faults"), depth=Depth.PAGE),
            *(
                _section(f"f{index}", one, analysis, data)
                for index, one in enumerate(analysis.faults)
            ),
            Section("fault-words", "What these figures are", (words,), Depth.PAGE, folded=True),
        ),
    )


def _section(
    anchor: str, fault: FaultAnalysis, analysis: RunAnalysis, data: RunData | None
) -> Section:
    scenario, servers = fault.scenario, [arm.server for arm in fault.arms]
    leads = [sentences.fault_lead(arm) for arm in fault.arms if arm.asked]
    parts: list[Part | Section] = [
        Text(text, depth=Depth.TERMINAL) for text in leads or [sentences.NO_FAULT_TRIAL]
    ]
    if fault.missing:
        parts.append(Text(f"No good trial of {sentences.joined(fault.missing)}.", role="bad"))
    if fault.arms:
        parts.append(_table(fault))
    if data is not None and (chart := _chart(data, fault, servers, f"{anchor}-fault")):
        parts.append(Charts((chart,)))
    notes = notes_of(analysis.caveats, scenario.name, servers, anchor)
    if notes.notes:
        told = sentences.plural(len(notes.notes), "note")
        lines = Texts(tuple(note.line for note in notes.notes), depth=Depth.PAGE)
        title = f"What was recorded of {scenario.name}, trial by trial: {told}"
        parts.append(Section(f"{anchor}-notes", title, (lines,), Depth.PAGE, folded=True))
    lasted = f", {number(fault.lasted_s)}{NO_BREAK}s" if fault.lasted_s is not None else ""
    return Section(anchor, f"{scenario.name}: {fault.what}{lasted}", tuple(parts))


def _table(fault: FaultAnalysis) -> Table:
    arms, scenario = fault.arms, fault.scenario

    def row(
        title: str, unit: str, cell: Callable[[FaultArm], Cell], depth: Depth = Depth.PAGE
    ) -> Row:
        cells = tuple(cell(arm) for arm in arms)
        return Row(title, cells, unit, strong=depth < Depth.PAGE, depth=depth)

    first = f"in the first {AFTER_S:g} s"
    during = (
        row("reads answered during the fault", "%", _in_time, Depth.TERMINAL),
        row("median wait of a read before it", "ms", lambda arm: _median(arm.before)),
        row("median wait of a read", "ms", lambda arm: _median(arm.meanwhile)),
        row("longest wait of an answered read", "ms", lambda arm: _longest(arm.meanwhile)),
        row("oldest answer given during the fault", "s", _oldest, Depth.TERMINAL),
        row("requests that reached the API server", "a round", _during),
    )
    after = (
        row("until fresh again", "s", _fresh, Depth.TERMINAL),
        row("until no read failed any more", "s", _errors_stop, Depth.MARKDOWN),
        row(f"reads answered {first}", "%", _answered_after),
        row("median wait of a read then", "ms", lambda arm: _median(arm.after)),
        row("longest wait of an answered read then", "ms", lambda arm: _longest(arm.after)),
        row(
            f"requests that reached the API server {first}",
            "a round",
            lambda arm: _herd(arm, scenario.replicas),
            Depth.MARKDOWN,
        ),
        row("most of them in one second", "", _busiest),
        row("whole states fetched anew", "all rounds", _refills),
    )
    rounds = max(len(arm.rounds) for arm in arms)
    return Table(
        "",
        tuple(Column(arm.server, arm=arm.server) for arm in arms),
        (
            Group(during, "During the fault", prose.text("fault_waits")),
            Group(after, "After it", prose.text("fault_after")),
        ),
        f"{sentences.capitalised(sentences.asked(scenario))}; {sentences.plural(rounds, 'round')} "
        "together.",
        layout="arms",
        depth=Depth.TERMINAL,
    )


def _in_time(arm: FaultArm) -> Cell:
    if not arm.asked:
        return Cell(MISSING)
    parts = [f"{arm.in_time:,} of {arm.asked:,}"]
    if arm.late:
        parts.append(f"{arm.late:,} when it was over")
    if arm.failed:
        parts.append(f"{arm.failed:,} failed")
    return Cell(share(arm.in_time / arm.asked), remark="; ".join(parts))


def _median(stretch: Stretch | None) -> Cell:
    if stretch is None or stretch.median.value_ms is None:
        return Cell(MISSING, remark=(stretch.median.withheld or "") if stretch else "")
    return Cell(f"{AT_LEAST if stretch.median.at_least else ''}{number(stretch.median.value_ms)}")


def _longest(stretch: Stretch | None) -> Cell:
    return Cell(number(stretch.longest_ms if stretch else None))


def _oldest(arm: FaultArm) -> Cell:
    one = arm.oldest
    if one is None or one.oldest_answer_by is None:
        return Cell(MISSING, remark="none was given")
    by = {AgeBy.PROBE: "by the probe", AgeBy.LAST_WRITE: "since the last write"}
    return Cell(number(one.oldest_answer_s), remark=by[one.oldest_answer_by])


def _during(arm: FaultArm) -> Cell:
    return _mean([one.requests_meanwhile for one in arm.rounds])


def _fresh(arm: FaultArm) -> Cell:
    known = [one.fresh_s for one in arm.rounds if one.fresh_s is not None]
    rounds = len(arm.rounds)
    if len(known) < rounds:
        seen = min(one.window_left_s for one in arm.rounds if one.fresh_s is None)
        of = f"in {rounds - len(known)} of {rounds} rounds" if rounds > 1 else ""
        return Cell(f"{AT_LEAST}{number(seen)}", remark=of)
    least = f"at the most; least {number(min(known))}" if rounds > 1 else ""
    return Cell(number(max(known)), remark=least)


def _errors_stop(arm: FaultArm) -> Cell:
    known = [one.errors_stop_s for one in arm.rounds if one.errors_stop_s is not None]
    if not known:
        return Cell("0", remark="none failed")
    lasting = any(one.still_failing for one in arm.rounds)
    failed = f"{sum(one.failed for one in arm.rounds):,} failed in all"
    return Cell(f"{AT_LEAST if lasting else ''}{number(max(known))}", remark=failed)


def _answered_after(arm: FaultArm) -> Cell:
    asked = sum(one.reads_after for one in arm.rounds)
    done = sum(one.answered_after for one in arm.rounds)
    return Cell(share(done / asked), remark=f"{done:,} of {asked:,}") if asked else Cell(MISSING)


def _known(arm: FaultArm) -> list[FaultRound]:
    return [one for one in arm.rounds if one.requests_after is not None]


def _herd(arm: FaultArm, replicas: int) -> Cell:
    known = _known(arm)
    cell = _mean([one.requests_after for one in arm.rounds])
    if not known:
        return cell
    usual = sum(one.requests_usual or 0.0 for one in known) / len(known)
    each = sum(one.requests_after or 0 for one in known) / len(known) / replicas
    of_each = f"; {number(each)} a replica" if replicas > 1 else ""
    return Cell(cell.value, remark=f"usually {number(usual)}{of_each}")


def _busiest(arm: FaultArm) -> Cell:
    busiest = [one.requests_busiest_second or 0 for one in _known(arm)]
    return Cell(f"{max(busiest):,}" if busiest else MISSING)


def _refills(arm: FaultArm) -> Cell:
    found = arm.refills
    reasons = ", ".join(f"{count} {reason}" for reason, count in found.items())
    return Cell(f"{sum(found.values())}", remark=reasons)


def _mean(counts: Sequence[int | None]) -> Cell:
    known = [count for count in counts if count is not None]
    if not known:
        return Cell(MISSING, remark="no audit log")
    return Cell(number(sum(known) / len(known)))


def _chart(data: RunData, fault: FaultAnalysis, servers: Sequence[str], name: str) -> Chart | None:
    """Draw the first round that most servers have; ``None`` if there is no trial."""
    by_round: dict[int, dict[str, TrialRecord]] = {}
    for record in data.trials:
        trial = record.trial
        if trial.scenario == fault.scenario.name and record.outcome is Outcome.OK:
            by_round.setdefault(trial.round, {})[trial.server] = record
    most = max((len(found) for found in by_round.values()), default=0)
    chosen = next((by_round[n] for n in sorted(by_round) if len(by_round[n]) == most), {})
    stories = [
        story
        for server in servers
        if server in chosen and (story := story_of(data.reader, chosen[server])) is not None
    ]
    if not stories:
        return None
    first = stories[0].record
    shaded = next(
        (
            (one.begin_s, one.end_s)
            for arm in fault.arms
            if arm.server == stories[0].arm
            for one in arm.rounds
            if one.round == first.trial.round
        ),
        (0.0, 0.0),
    )
    head = Head(
        name,
        f"Second by second: {fault.what}",
        prose.text("fault_chart", round=first.trial.round, what=fault.what),
        prose.text("fault_source"),
        _described(stories),
    )
    return fault_timeline(head, stories, shaded, Labels(**prose.texts("fault_labels")), servers)


def _described(stories: Sequence[Story]) -> str:
    return "; ".join(
        f"{one.arm}: {one.reads:,} reads answered, {len(one.unanswered_s):,} not, at most "
        f"{number(float(one.own.max()))} requests/s to the API server"
        for one in stories
    )
