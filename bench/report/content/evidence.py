"""What the figures rest on, and how they came about: answers, ledgers, noise, trials, method."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.analysis.comparisons import precisions
from bench.analysis.requests import ReplicaRequests
from bench.analysis.result import (
    LedgerTotals,
    RunAnalysis,
    ScenarioAnalysis,
    TrialLine,
    presentation_order,
)
from bench.metrics import METRICS, View, of_view
from bench.model import CaveatKind, Outcome, RunState
from bench.model.message import Recorded, listed, message, plural
from bench.report import prose, sentences
from bench.report.charts import Chart
from bench.report.content.rows import caveat_text, compared_control, rounds_of, these_rounds
from bench.report.content.scenario import anchor_of, difference_chart
from bench.report.document import (
    Cell,
    Charts,
    Column,
    Depth,
    Facts,
    Part,
    Row,
    Section,
    Text,
    Texts,
    table_of,
)
from bench.report.numbers import MISSING, number, per_cent, span_of
from bench.stats import INDICATIVE_BELOW, Verdict

MOST_DIFFERENCES = 20
LEDGER_WORDS = {True: message("agree"), False: message("differ"), None: message("not comparable")}
CONTROL_TITLES = {
    Verdict.EQUIVALENT: message("Control held"),
    Verdict.DIFFERENT: message("Control fired"),
    Verdict.UNDECIDED: message("Control undecided"),
}
LEDGER_TONES = {True: "good", False: "bad", None: "unsure"}


def trust(analysis: RunAnalysis) -> Iterator[Text]:
    """Say in a line each whether answers were the same, and whether counts agree."""
    if analysis.equality is not None or analysis.plan.has_load:
        yield _answers(analysis)  # of clients nobody answered anything
    failing = {one.name for one in analysis.plan.scenarios if one.fault is not None}
    held = [
        (line, ledgers)
        for line, ledgers in _ledgers(analysis)
        if ledgers.agree is not None or line.scenario not in failing
    ]
    if held:
        yield _counts(held, analysis)
    for scenario, one in analysis.controls:
        tone = {Verdict.EQUIVALENT: "good", Verdict.DIFFERENT: "bad"}.get(one.verdict, "unsure")
        said, title = sentences.control_briefly(scenario, one), CONTROL_TITLES[one.verdict]
        yield Text(said, tone, title, ("#noise", message("How")))
    yield from ending(analysis)
    arms = [arm for one in analysis.scenarios for arm in one.contenders]
    if arms and rounds_of(arms) < INDICATIVE_BELOW:
        told = (one for one in analysis.caveats if one.kind is CaveatKind.TOO_FEW_ROUNDS)
        if (few := next(told, None)) is not None:
            yield replace(caveat_text(few.kind, "", few.text), role="unsure")
    for caveat in analysis.caveats:
        if caveat.scenario is None and caveat not in analysis.void:
            yield caveat_text(caveat.kind, "", caveat.text)


def _answers(analysis: RunAnalysis) -> Text:
    """Say whether answers were the same, with no load and under load."""
    checks = [one.answers for one in analysis.trials if one.answers is not None]
    wrong, judged, read = (
        sum(getattr(one, name) for one in checks) for name in ("wrong", "judged", "read")
    )
    counts = {"judged": f"{judged:,}", "read": f"{read:,}"}
    equality = analysis.equality
    if wrong:
        said = prose.text("answers_wrong", wrong=f"{wrong:,}", **counts)
        return Text(said, "bad", message("Wrong answers"), ("#trials", message("Which")))
    if equality is None:
        return Text(prose.text("answers_unchecked"), "bad", message("Not checked"))
    if not equality.equal:
        link = ("#equality", message("See the differences"))
        return Text(prose.text("answers_unlike"), "bad", message("Different answers"), link)
    under_load = prose.text("answers_judged", **counts)
    if not judged:
        under_load = prose.text("answers_unjudged")
    servers, link = len(equality.servers), ("#equality", message("Which"))
    asked = plural(len(equality.answers), "query", "queries")
    if servers < 2:
        said = listed([prose.text("answers_of_one", asked=asked), under_load], " ")
        return Text(said, "unsure", message("One server"), link)
    alike = prose.text("answers_alike", servers=plural(servers, "server", "servers"), asked=asked)
    return Text(listed([alike, under_load], " "), "good", message("Same answers"), link)


def ending(analysis: RunAnalysis) -> Iterator[Text]:
    """Say why the run made no further rounds, and how sure it is against what its plan wants."""
    if analysis.state is not RunState.COMPLETE:
        return
    found = next(iter(precisions(analysis.scenarios)), None)
    if analysis.plan.precision is not None and found is not None:
        said = sentences.ended(found, analysis.plan, out_of_time=analysis.out_of_time)
        reached = per_cent(found.half_width)
        yield Text(said, term=message("Precision within {share}").format(share=reached))
    elif analysis.out_of_time:
        yield Text(sentences.out_of_time(analysis.plan), term=message("Rounds"))


def _ledgers(analysis: RunAnalysis) -> list[tuple[TrialLine, LedgerTotals]]:
    return [(one, one.ledgers) for one in analysis.trials if one.ledgers is not None]


def _counts(held: Sequence[tuple[TrialLine, LedgerTotals]], analysis: RunAnalysis) -> Text:
    existing = analysis.environment.existing
    agreeing = sum(ledgers.agree is True for _, ledgers in held)
    differing = any(ledgers.agree is False for _, ledgers in held)
    link, agree = ("#ledgers", message("Key by key")), message("Counts agree")
    if existing and not differing:
        if not agreeing:
            return Text(prose.text("own_count_only"), "plain", message("Counts"), link)
        said = prose.text("two_ledgers", trials=plural(agreeing, "trial", "trials"))
        return Text(said, "good", agree, link)
    trials = plural(len(held), "trial", "trials")
    if agreeing == len(held):
        said = prose.text("three_ledgers", trials=trials)
        if not analysis.plan.has_load:
            said = prose.text("client_ledgers", trials=trials)
        return Text(said, "good", agree, link)
    text = message("the ledgers of requests agree in {agreeing} of {trials}.")
    said = text.format(agreeing=agreeing, trials=trials)
    return Text(said, "bad", message("Counts differ"), link)


def evidence_sections(analysis: RunAnalysis) -> Iterator[Section]:
    """Return what stands at the end of the page, and nowhere else."""
    has_load = analysis.plan.has_load
    purposes = _list(prose.paragraphs("on_purpose_list"))
    terms = tuple((term, (text,)) for term, text in prose.texts("glossary").items())
    found: dict[str, Iterator[Part] | Sequence[Part]] = {
        "equality": _equality(analysis) if has_load else (),
        "ledgers": _ledger_parts(analysis),
        "noise": _noise(analysis),
        "trials": _trials(analysis),
        "load-workers": _load_workers(analysis),
        "method": [_list(prose.method(analysis.plan, analysis.environment))],
        "on-purpose": [Text(prose.text("on_purpose")), purposes] if has_load else (),
        "environment": [_environment(analysis)],
        "sources": _sources(analysis),
        "glossary": [Facts(terms)],
    }
    for anchor, title in prose.texts("evidence").items():
        if parts := tuple(found[anchor]):
            yield Section(anchor, title, parts, depth=Depth.PAGE, folded=True)


def _list(texts: Sequence[str]) -> Texts:
    return Texts(tuple(Text(text) for text in texts))


def _columns(*titles: str, prose_at: Sequence[int] = ()) -> list[Column]:
    return [Column(title, prose=place in prose_at) for place, title in enumerate(titles)]


def _equality(analysis: RunAnalysis) -> Iterator[Part]:
    equality = analysis.equality
    if equality is None:
        yield Text(prose.text("not_compared"), "bad")
        return
    servers, version = ", ".join(equality.servers), equality.resource_version
    yield Text(prose.text("equality", servers=servers, version=version))
    rows = [
        Row(
            answer.path,
            (
                Cell(
                    message("equal") if answer.equal else message("differ"),
                    remark="; ".join(str(one) for one in answer.differences[:MOST_DIFFERENCES]),
                    tone="" if answer.equal else "bad",
                ),
                Cell(str(answer.attempts)),
            ),
            code=True,
        )
        for answer in equality.answers
    ]
    titles = message("answers"), message("attempts")
    yield table_of(_columns(*titles, prose_at=(0,)), rows, message("query"))


def _total(count: int | None) -> str:
    return MISSING if count is None else f"{count:,}"


def _ledger_parts(analysis: RunAnalysis) -> Iterator[Part]:
    yield Text(prose.text("ledgers"))
    held = _ledgers(analysis)
    if held and analysis.faults:
        yield Text(message("Trials with a fault are not among these."))
    rows = [
        Row(
            trial.folder,
            (
                Cell(_total(one.client)),
                Cell(_total(one.audit_user)),
                Cell(_total(one.audit_all)),
                Cell(_total(one.metric)),
                Cell(
                    LEDGER_WORDS[one.agree],
                    remark=listed([Recorded(o) for o in (*one.disagreements, *one.missing)], "; "),
                    tone=LEDGER_TONES[one.agree],
                ),
            ),
            code=True,
        )
        for trial, one in held
    ]
    agreeing = sum(one.agree is True for _, one in held)
    if held:
        caption = message("{agreeing} of {trials} agree.").format(
            agreeing=agreeing, trials=plural(len(held), "trial", "trials")
        )
        columns = _columns(*prose.paragraphs("ledger_columns"), prose_at=(4,))
        yield table_of(columns, rows, message("trial"), caption)
    elif analysis.faults:
        yield Text(prose.text("only_faults"))
    else:
        yield Text(message("No trial ended well, so there is nothing to count."))
    if asking := list(_replica_rows(analysis)):
        yield Text(prose.text("replica_requests"))
        columns = _columns(*prose.paragraphs("replica_columns"), prose_at=(0, 7, 8))
        yield table_of(columns, asking, message("scenario"), message("Which replica asked"))


def _replica_rows(analysis: RunAnalysis) -> Iterator[Row]:
    """Return a row for each server that had several replicas, all rounds."""
    several: dict[tuple[str, str], list[tuple[TrialLine, LedgerTotals]]] = {}
    for trial, ledgers in _ledgers(analysis):
        if trial.replicas > 1:
            several.setdefault((trial.scenario, trial.server), []).append((trial, ledgers))
    names = [one.name for one in analysis.plan.scenarios]
    servers = presentation_order(list(dict.fromkeys(server for _, server in several)))
    for place in sorted(several, key=lambda at: (names.index(at[0]), servers.index(at[1]))):
        found = [one for one in analysis.replica_requests if (one.scenario, one.server) == place]
        yield _replica_row(place, several[place], found)


def _replica_row(
    place: tuple[str, str],
    trials: Sequence[tuple[TrialLine, LedgerTotals]],
    found: Sequence[ReplicaRequests],
) -> Row:
    head = (Cell(place[1]), Cell(str(trials[0][0].replicas)))
    ledgers = [own for _, own in trials]
    if not all(one.replicas_told_apart for one in ledgers):
        unknown = (*(Cell(MISSING) for _ in range(6)), Cell(_why_untold(ledgers), tone="unsure"))
        return Row(place[0], (*head, *unknown))
    reads = [one.lists + one.gets for one in found]
    watches = [one.watches_since_start for one in found]
    agreed = {one.agree for one in found}
    agree = None if None in agreed else agreed == {True}
    unseen = [text for trial in trials if (text := _unseen(*trial, found))]
    cells = (
        Cell(f"{min(reads):,}"),
        Cell(f"{max(reads):,}"),
        Cell(f"{sum(reads):,}"),
        Cell(f"{sum(one.pod_reads or 0 for one in ledgers):,}"),
        Cell(span_of(f"{min(watches):,}", f"{max(watches):,}")),
        Cell(LEDGER_WORDS[agree], tone="bad" if agree is False else ""),
        Cell(listed(unseen, "; ") if unseen else prose.text("all_seen"),
             tone="bad" if unseen else "good"),
    )  # fmt: skip
    return Row(place[0], (*head, *cells))


def _why_untold(ledgers: Sequence[LedgerTotals]) -> str:
    for one in ledgers:
        if one.replicas_told_apart is False:
            agents = ", ".join(repr(agent) for agent in one.other_agents)
            text = message("not told apart: no User-Agent names a replica ({agents})")
            return text.format(agents=agents)
    return prose.text("agents_unknown")


def _unseen(trial: TrialLine, ledgers: LedgerTotals, found: Sequence[ReplicaRequests]) -> str:
    """Say which replica is not seen in a round, and who else is; empty if nothing is to say."""
    unseen = [str(one.replica) for one in found if one.round == trial.round and not one.seen]
    absent, by_agent = message("not seen: replica {replicas}"), message("{count} of {agent}")
    said = [absent.format(replicas=", ".join(unseen))] if unseen else []
    others = ledgers.other_agents.items()
    said += [by_agent.format(count=f"{count:,}", agent=repr(agent)) for agent, count in others]
    text = message("round {round}: {said}")
    return text.format(round=trial.round, said=listed(said)) if said else ""


def _noise(analysis: RunAnalysis) -> Iterator[Part]:
    servers = presentation_order(
        list(dict.fromkeys(arm.server for one in analysis.scenarios for arm in one.contenders))
    )
    rows = [row for one in analysis.scenarios for row in _noise_rows(one, servers)]
    yield Text(prose.text("noise") if rows else prose.text("no_noise"))
    if rows:
        figure = Column(message("figure"), prose=True)
        yield table_of([figure, *(Column(s) for s in servers)], rows, message("scenario"))
    controls = list(analysis.controls)
    yield Text(prose.text("controls") if controls else prose.text("no_control"))
    for scenario, one in controls:
        text = sentences.control(scenario, one)
        yield Text(text, "bad" if one.fired else "plain")
    charts = [
        chart
        for index, one in enumerate(analysis.scenarios)
        for chart in _control_charts(one, anchor_of(index))
    ]
    yield Charts(tuple(charts))


def _noise_rows(one: ScenarioAnalysis, servers: Sequence[str]) -> Iterator[Row]:
    for of, per_1000 in of_view(View.NOISE):
        cells = []
        for server in servers:
            arm = one.arm(server)
            figure = arm.figure(of.key, per_1000=per_1000) if arm else None
            varied = figure.variation if figure else None
            odd = figure.outlying if figure else ()
            apart = message("{rounds} apart").format(rounds=these_rounds(odd)) if odd else ""
            shown = MISSING if varied is None else f"{number(varied * 100)}%"
            cells.append(Cell(shown, remark=apart))
        if any(cell.value != MISSING for cell in cells):
            title = Cell(of.title_of(per_1000=per_1000))
            yield Row(one.scenario.name, (title, *cells))


def _control_charts(one: ScenarioAnalysis, prefix: str) -> Iterator[Chart]:
    for index, control in enumerate(one.controls):
        found = [(one, each) for each in compared_control(one, control)]
        title = message("{server} against itself, {scenario}").format(
            server=control.server, scenario=one.scenario.name
        )
        chart = difference_chart(f"{prefix}-control-{index}", title, found)
        if chart is not None:
            yield chart


def _trials(analysis: RunAnalysis) -> Iterator[Part]:
    if not analysis.trials:
        yield Text(message("No trial was written."))
        return
    rows = [_trial_row(one) for one in analysis.trials]
    columns = _columns(*prose.paragraphs("trial_columns"), prose_at=(0,))
    yield table_of(columns, rows, message("trial"))


def _trial_row(one: TrialLine) -> Row:
    ok, part = one.outcome is Outcome.OK, one.generator_cpu_share
    why = Recorded(one.failure) if one.failure else message("no reason recorded")
    outcome = "ok" if ok else message("failed: {why}").format(why=why)
    equal = {True: message("yes"), False: message("no"), None: MISSING}[one.equal_to_list]
    cells = (
        Cell(outcome, tone="" if ok else "bad"),
        Cell(f"{one.answered:,}"),
        Cell(f"{one.failed:,}"),
        Cell(number(one.achieved_rps)),
        Cell(number(one.median_ms)),
        Cell(_total(one.api_requests)),
        Cell(MISSING if part is None else f"{part:.0%}"),
        Cell(number(one.schedule_lag_p99_ms)),
        _machine(one),
        Cell(number(one.ready_s)),
        Cell(sentences.part_of(check.wrong, check.judged) if (check := one.answers) else MISSING),
        Cell(equal),
    )
    if one.attempt is None or one.attempt < 2:
        return Row(one.folder, cells, code=True)
    again = message("{trial}, attempt {attempt}").format(trial=one.folder, attempt=one.attempt)
    return Row(again, cells, code=True)


def _machine(one: TrialLine) -> Cell:
    """Return the share of the machine's processor time in use, and what lacked of it."""
    use = one.machine
    if use is None:
        return Cell(MISSING)
    lacks = (
        (message("waited {share}"), use.waited),
        (message("throttled {share}"), use.throttled),
        (message("steal {share}"), use.steal),
    )
    shares = [
        what.format(share=f"{part:.0%}")
        for what, part in lacks
        if part is not None and part >= 0.005
    ]
    return Cell(f"{use.busy:.0%}", remark=listed(shares))


def _load_workers(analysis: RunAnalysis) -> Iterator[Part]:
    load = analysis.load_workers
    if not any(one.load_workers for one in analysis.trials):
        return
    yield Text(prose.text("load_workers", here=load.here, elsewhere=load.elsewhere))
    rows = [
        Row(
            trial.folder,
            (
                Cell(one.name),
                Cell(f"{one.sent:,}"),
                Cell(f"{one.failed + one.dropped:,}"),
                Cell(f"{one.cpu_share:.0%}"),
                Cell(number(one.schedule_lag_p99_ms)),
                Cell(f"{one.clock_offset_us / 1e3:+,.3f}"),
                Cell(f"{one.clock_uncertainty_us / 1e3:,.3f}"),
                Cell(f"{one.clock_drift_us / 1e3:+,.3f}"),
            ),
            code=True,
        )
        for trial in analysis.trials
        for one in trial.load_workers
    ]
    columns = _columns(*prose.paragraphs("worker_columns"), prose_at=(0,))
    yield table_of(columns, rows, message("trial"))


def _environment(analysis: RunAnalysis) -> Facts:
    one, plan = analysis.environment, analysis.plan
    packages = ", ".join(f"{name} {version}" for name, version in sorted(one.packages.items()))
    ended: str = message("not ended")
    if analysis.ended_at or analysis.reason:
        reason = message("not ended: {reason}").format(reason=Recorded(analysis.reason))
        ended = analysis.ended_at or reason
    machine = message("{processor}, {processors} processors, {memory} GB, {machine}, {kernel}")
    facts: list[tuple[str, tuple[str, ...]]] = [
        ("Kubernetes", (f"{one.kubernetes}, etcd {one.etcd} ({one.binaries})",)),
        (
            message("Machine"),
            (
                machine.format(
                    processor=one.processor,
                    processors=one.processors,
                    memory=f"{one.memory_bytes / 1e9:.1f}",
                    machine=one.machine,
                    kernel=one.kernel,
                ),
            ),
        ),
        (
            message("Load before the start"),
            (message("{load} over one minute").format(load=f"{one.load_average_1m:.2f}"),),
        ),
        ("Python", (one.python,)),
        (message("Packages"), (packages,)),
        (message("Commit"), (one.commit,)),
        *([(message("Base"), (sentences.base(plan.base, one),))] if plan.base else []),
        (
            message("Plan"),
            (
                message("{plan}: {description} Seed {seed}.").format(
                    plan=plan.name, description=plan.description, seed=plan.seed
                ),
            ),
        ),
        (message("Started, ended"), (listed([analysis.started_at, ended]),)),
        (
            message("Changed from defaults"),
            tuple(map(Recorded, one.changed_defaults)) or (message("nothing was recorded"),),
        ),
    ]
    if analysis.resumptions:
        facts.append((message("Resumed"), tuple(str(one) for one in analysis.resumptions)))
    return Facts(tuple(facts))


def _sources(analysis: RunAnalysis) -> Iterator[Part]:
    yield Text(prose.text("sources", run=analysis.run))
    rows = [Row(one.title, (Cell(one.unit), Cell(one.source))) for one in METRICS]
    titles = message("unit"), message("file and columns")
    yield table_of(_columns(*titles, prose_at=(0, 1)), rows, message("figure"))
