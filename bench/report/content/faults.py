"""Faults of the API server: for each, which servers kept answering and how they recovered."""

from collections.abc import Callable, Iterator, Sequence

from bench.analysis import RunData
from bench.analysis.faults import AFTER_S, AgeBy, FaultAnalysis, FaultArm, FaultRound, Stretch
from bench.analysis.result import RunAnalysis
from bench.model.message import Message, Recorded, listed, message, plural
from bench.report import prose, sentences
from bench.report.charts import Chart, Head
from bench.report.charts.timeline import Story, fault_timeline, full_rounds, story_of
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
from bench.report.numbers import MISSING, NO_BREAK, lower_bound, number, share


def fault_answer(analysis: RunAnalysis) -> Sentence | None:
    """Return a sentence on the servers that kept answering, over all faults; ``None`` if none."""
    answered: dict[str, tuple[int, int]] = {}
    for fault in analysis.faults:
        for arm in fault.arms:
            done, asked = answered.get(arm.server, (0, 0))
            answered[arm.server] = done + arm.in_time, asked + arm.asked
    text = sentences.fault_headline(answered, len(analysis.faults))
    return Sentence(text) if text else None


def fault_section(analysis: RunAnalysis, data: RunData | None) -> Iterator[Section]:
    """Yield the section on faults, if the run has any; without ``data`` it has no chart."""
    if not analysis.faults:
        return
    answer = fault_answer(analysis)
    lead = (Text(answer.text, role="lead"),) if answer and analysis.scenarios else ()
    title = message("Definitions of the figures")
    explanations = Texts(
        tuple(Text(text, term=term) for term, text in prose.texts("fault_words").items()),
        depth=Depth.PAGE,
    )
    yield Section(
        "faults",
        message("When the API server fails"),
        (
            *lead,
            Text(prose.text("faults"), depth=Depth.PAGE),
            *(
                _section(f"f{index}", fault, analysis, data)
                for index, fault in enumerate(analysis.faults)
            ),
            Section("fault-words", title, (explanations,), Depth.PAGE, folded=True),
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
        parts.append(Text(sentences.no_good_trial(fault.missing), role="bad"))
    if fault.arms:
        parts.append(_table(fault))
    if data is not None and (chart := _chart(data, fault, servers, f"{anchor}-fault")):
        parts.append(Charts((chart,)))
    notes = notes_of(analysis.caveats, scenario.name, servers, anchor)
    if notes.notes:
        lines = Texts(tuple(note.line for note in notes.notes), depth=Depth.PAGE)
        title = message("Recorded for {scenario}, by trial: {notes}").format(
            scenario=scenario.name, notes=plural(len(notes.notes), "note", "notes")
        )
        parts.append(Section(f"{anchor}-notes", title, (lines,), Depth.PAGE, folded=True))
    details: list[str] = [Recorded(fault.what)]
    details += [f"{number(fault.lasted_s)}{NO_BREAK}s"] if fault.lasted_s is not None else []
    title = Message("{scenario}: {what}").format(scenario=scenario.name, what=listed(details))
    return Section(anchor, title, tuple(parts))


def _table(fault: FaultAnalysis) -> Table:
    arms, scenario = fault.arms, fault.scenario

    def row(
        title: str, unit: str, cell: Callable[[FaultArm], Cell], depth: Depth = Depth.PAGE
    ) -> Row:
        cells = tuple(cell(arm) for arm in arms)
        return Row(title, cells, unit, strong=depth < Depth.PAGE, depth=depth)

    a_round, seconds = message("per round"), f"{AFTER_S:g}"
    answered_after = message("reads answered in the first {seconds} s").format(seconds=seconds)
    reached_after = message("requests that reached the API server in the first {seconds} s")
    longest = message("longest wait of an answered read")
    during = (
        row(message("reads answered during the fault"), "%", _in_time, Depth.TERMINAL),
        row(message("median wait before the fault"), "ms", lambda arm: _median(arm.before)),
        row(message("median wait of a read"), "ms", lambda arm: _median(arm.meanwhile)),
        row(longest, "ms", lambda arm: _longest(arm.meanwhile)),
        row(message("oldest answer during the fault"), "s", _oldest, Depth.TERMINAL),
        row(
            message("requests that reached the API server"),
            a_round,
            lambda arm: _mean([trial.requests_meanwhile for trial in arm.rounds]),
        ),
    )
    after = (
        row(message("until fresh again"), "s", _fresh, Depth.TERMINAL),
        row(message("until reads stopped failing"), "s", _errors_stop, Depth.MARKDOWN),
        row(answered_after, "%", _answered_after),
        row(message("median wait afterwards"), "ms", lambda arm: _median(arm.after)),
        row(message("longest answered read afterwards"), "ms", lambda arm: _longest(arm.after)),
        row(
            reached_after.format(seconds=seconds),
            a_round,
            lambda arm: _herd(arm, scenario.replicas),
            Depth.MARKDOWN,
        ),
        row(message("most requests in one second"), "", _busiest),
        row(message("times the cache was filled again"), message("all rounds"), _refills),
    )
    rounds = max(len(arm.rounds) for arm in arms)
    return Table(
        "",
        tuple(Column(arm.server, arm=arm.server) for arm in arms),
        (
            Group(during, message("During the fault"), prose.text("fault_waits")),
            Group(after, message("After the fault"), prose.text("fault_after")),
        ),
        message("{asked}; {rounds} pooled.").format(
            asked=sentences.capitalised(sentences.asked(scenario)),
            rounds=plural(rounds, "round", "rounds"),
        ),
        layout="arms",
        depth=Depth.TERMINAL,
    )


def _in_time(arm: FaultArm) -> Cell:
    if not arm.asked:
        return Cell(MISSING)
    parts = [sentences.part_of(arm.in_time, arm.asked)]
    if arm.late:
        parts.append(message("{late} after the fault").format(late=f"{arm.late:,}"))
    if arm.failed:
        parts.append(message("{failed} failed").format(failed=f"{arm.failed:,}"))
    return Cell(share(arm.in_time / arm.asked), remark=listed(parts, "; "))


def _median(stretch: Stretch | None) -> Cell:
    if stretch is None or stretch.median.value_ms is None:
        return Cell(MISSING, remark=Recorded(stretch.median.withheld or "" if stretch else ""))
    return Cell(lower_bound(stretch.median.value_ms, bound=stretch.median.at_least))


def _longest(stretch: Stretch | None) -> Cell:
    return Cell(number(stretch.longest_ms if stretch else None))


def _oldest(arm: FaultArm) -> Cell:
    oldest = arm.oldest
    if oldest is None or oldest.oldest_answer_by is None:
        return Cell(MISSING, remark=message("none was given"))
    by = {AgeBy.PROBE: message("by the probe"), AgeBy.LAST_WRITE: message("since the last write")}
    return Cell(number(oldest.oldest_answer_s), remark=by[oldest.oldest_answer_by])


def _fresh(arm: FaultArm) -> Cell:
    known = [trial.fresh_s for trial in arm.rounds if trial.fresh_s is not None]
    rounds = len(arm.rounds)
    if len(known) < rounds:
        seen = min(trial.window_left_s for trial in arm.rounds if trial.fresh_s is None)
        unseen = rounds - len(known)
        text = message("in {some} of {rounds} rounds").format(some=unseen, rounds=rounds)
        return Cell(lower_bound(seen), remark=text if rounds > 1 else "")
    least = message("longest; shortest {least}").format(least=number(min(known)))
    return Cell(number(max(known)), remark=least if rounds > 1 else "")


def _errors_stop(arm: FaultArm) -> Cell:
    known = [trial.errors_stop_s for trial in arm.rounds if trial.errors_stop_s is not None]
    if not known:
        return Cell("0", remark=message("none failed"))
    lasting = any(trial.still_failing for trial in arm.rounds)
    failed = message("{failed} failed in all").format(
        failed=f"{sum(trial.failed for trial in arm.rounds):,}"
    )
    return Cell(lower_bound(max(known), bound=lasting), remark=failed)


def _answered_after(arm: FaultArm) -> Cell:
    asked = sum(trial.reads_after for trial in arm.rounds)
    done = sum(trial.answered_after for trial in arm.rounds)
    return (
        Cell(share(done / asked), remark=sentences.part_of(done, asked)) if asked else Cell(MISSING)
    )


def _audited(arm: FaultArm) -> list[FaultRound]:
    return [trial for trial in arm.rounds if trial.requests_after is not None]


def _herd(arm: FaultArm, replicas: int) -> Cell:
    audited = _audited(arm)
    cell = _mean([trial.requests_after for trial in arm.rounds])
    if not audited:
        return cell
    usual = sum(trial.requests_usual or 0.0 for trial in audited) / len(audited)
    per_replica = sum(trial.requests_after or 0 for trial in audited) / len(audited) / replicas
    remarks = [message("usually {usual}").format(usual=number(usual))]
    if replicas > 1:
        remarks.append(message("{each} per replica").format(each=number(per_replica)))
    return Cell(cell.value, remark=listed(remarks, "; "))


def _busiest(arm: FaultArm) -> Cell:
    busiest = [trial.requests_busiest_second or 0 for trial in _audited(arm)]
    return Cell(f"{max(busiest):,}" if busiest else MISSING)


def _refills(arm: FaultArm) -> Cell:
    refills = arm.refills
    reasons = ", ".join(f"{count} {reason}" for reason, count in refills.items())
    return Cell(f"{sum(refills.values())}", remark=reasons)


def _mean(counts: Sequence[int | None]) -> Cell:
    known = [count for count in counts if count is not None]
    if not known:
        return Cell(MISSING, remark=message("no audit log"))
    return Cell(number(sum(known) / len(known)))


def _chart(data: RunData, fault: FaultAnalysis, servers: Sequence[str], name: str) -> Chart | None:
    """Draw the first round that most servers have; ``None`` if there is no trial."""
    scenario = fault.scenario.name
    full = full_rounds(record for record in data.trials if record.trial.scenario == scenario)
    chosen = {record.trial.server: record for record in next(iter(full), [])}
    candidates = [story_of(data.reader, chosen[server]) for server in servers if server in chosen]
    stories = [story for story in candidates if story is not None]
    if not stories:
        return None
    round_ = stories[0].record.trial.round
    spans = {(arm.server, span.round): span for arm in fault.arms for span in arm.rounds}
    span = spans.get((stories[0].arm, round_))
    shaded = (span.begin_s, span.end_s) if span else (0.0, 0.0)
    head = Head(
        name,
        message("Second by second: {what}").format(what=Recorded(fault.what)),
        prose.text("fault_chart", round=round_, what=Recorded(fault.what)),
        prose.text("fault_source"),
        _described(stories),
    )
    return fault_timeline(head, stories, shaded, prose.texts("fault_labels"))


def _described(stories: Sequence[Story]) -> str:
    text = message(
        "{arm}: {reads} reads answered, {unanswered} not, at most {most} requests/s to the API "
        "server"
    )
    descriptions = [
        text.format(
            arm=story.arm,
            reads=f"{story.reads:,}",
            unanswered=f"{len(story.unanswered_s):,}",
            most=number(float(story.own_requests.max()), up=True),
        )
        for story in stories
    ]
    return listed(descriptions, "; ")
