"""Evidence for the figures: same answers, ledgers, noise, trials, method and environment."""

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
    """Yield a line a check: same answers, counts, controls, precision, caveats of the whole run."""
    if analysis.equality is not None or analysis.plan.has_load:
        yield _answers(analysis)  # a run without load has no answers
    failing = {scenario.name for scenario in analysis.plan.scenarios if scenario.fault is not None}
    counted = [
        (line, ledgers)
        for line, ledgers in _ledgers(analysis)
        if ledgers.agree is not None or line.scenario not in failing
    ]
    if counted:
        yield _counts(counted, analysis)
    for scenario, control in analysis.controls:
        tone = {Verdict.EQUIVALENT: "good", Verdict.DIFFERENT: "bad"}.get(control.verdict, "unsure")
        text, title = sentences.control_briefly(scenario, control), CONTROL_TITLES[control.verdict]
        yield Text(text, tone, title, ("#noise", message("How")))
    yield from ending(analysis)
    arms = [arm for result in analysis.scenarios for arm in result.contenders]
    if arms and rounds_of(arms) < INDICATIVE_BELOW:
        few = (caveat for caveat in analysis.caveats if caveat.kind is CaveatKind.TOO_FEW_ROUNDS)
        if (caveat := next(few, None)) is not None:
            yield replace(caveat_text(caveat.kind, "", caveat.text), role="unsure")
    for caveat in analysis.caveats:
        if caveat.scenario is None and caveat not in analysis.void:
            yield caveat_text(caveat.kind, "", caveat.text)


def _answers(analysis: RunAnalysis) -> Text:
    """Return the line on whether answers were the same, without load and under load."""
    checks = [trial.answers for trial in analysis.trials if trial.answers is not None]
    wrong, judged, read = (
        sum(getattr(check, name) for check in checks) for name in ("wrong", "judged", "read")
    )
    counts = {"judged": f"{judged:,}", "read": f"{read:,}"}
    equality = analysis.equality
    if wrong:
        text = prose.text("answers_wrong", wrong=f"{wrong:,}", **counts)
        return Text(text, "bad", message("Wrong answers"), ("#trials", message("Which")))
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
        text = listed([prose.text("answers_of_one", asked=asked), under_load], " ")
        return Text(text, "unsure", message("One server"), link)
    alike = prose.text("answers_alike", servers=plural(servers, "server", "servers"), asked=asked)
    return Text(listed([alike, under_load], " "), "good", message("Same answers"), link)


def ending(analysis: RunAnalysis) -> Iterator[Text]:
    """Yield the reason why the run stopped, with its precision if the plan requires one."""
    if analysis.state is not RunState.COMPLETE:
        return
    precision = next(iter(precisions(analysis.scenarios)), None)
    if analysis.plan.precision is not None and precision is not None:
        text = sentences.ended(precision, analysis.plan, out_of_time=analysis.out_of_time)
        reached = per_cent(precision.half_width)
        yield Text(text, term=message("Precision within {share}").format(share=reached))
    elif analysis.out_of_time:
        yield Text(sentences.out_of_time(analysis.plan), term=message("Rounds"))


def _ledgers(analysis: RunAnalysis) -> list[tuple[TrialLine, LedgerTotals]]:
    return [(trial, trial.ledgers) for trial in analysis.trials if trial.ledgers is not None]


def _counts(counted: Sequence[tuple[TrialLine, LedgerTotals]], analysis: RunAnalysis) -> Text:
    existing = analysis.environment.existing
    agreeing = sum(ledgers.agree is True for _, ledgers in counted)
    differing = any(ledgers.agree is False for _, ledgers in counted)
    link, agree = ("#ledgers", message("Key by key")), message("Counts agree")
    if existing and not differing:
        if not agreeing:
            return Text(prose.text("own_count_only"), "plain", message("Counts"), link)
        text = prose.text("two_ledgers", trials=plural(agreeing, "trial", "trials"))
        return Text(text, "good", agree, link)
    trials = plural(len(counted), "trial", "trials")
    if agreeing == len(counted):
        text = prose.text("three_ledgers", trials=trials)
        if not analysis.plan.has_load:
            text = prose.text("client_ledgers", trials=trials)
        return Text(text, "good", agree, link)
    text = message("the ledgers agree in {agreeing} of {trials}.")
    text = text.format(agreeing=agreeing, trials=trials)
    return Text(text, "bad", message("Counts differ"), link)


def evidence_sections(analysis: RunAnalysis) -> Iterator[Section]:
    """Yield the sections at the end of the page, which the short forms leave out."""
    has_load = analysis.plan.has_load
    purposes = _list(prose.paragraphs("on_purpose_list"))
    terms = tuple((term, (text,)) for term, text in prose.texts("glossary").items())
    contents: dict[str, Iterator[Part] | Sequence[Part]] = {
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
        if parts := tuple(contents[anchor]):
            yield Section(anchor, title, parts, depth=Depth.PAGE, folded=True)


def _list(texts: Sequence[str]) -> Texts:
    return Texts(tuple(Text(text) for text in texts))


def _columns(*titles: str, prose_at: Sequence[int] = ()) -> list[Column]:
    return [Column(title, prose=index in prose_at) for index, title in enumerate(titles)]


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
                    remark="; ".join(map(str, answer.differences[:MOST_DIFFERENCES])),
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
    counted = _ledgers(analysis)
    if counted and analysis.faults:
        yield Text(message("Trials with a fault are left out."))
    rows = [
        Row(
            trial.folder,
            (
                Cell(_total(ledgers.client)),
                Cell(_total(ledgers.audit_user)),
                Cell(_total(ledgers.audit_all)),
                Cell(_total(ledgers.metric)),
                Cell(
                    LEDGER_WORDS[ledgers.agree],
                    remark=listed(
                        [*map(Recorded, (*ledgers.disagreements, *ledgers.missing))], "; "
                    ),
                    tone=LEDGER_TONES[ledgers.agree],
                ),
            ),
            code=True,
        )
        for trial, ledgers in counted
    ]
    agreeing = sum(ledgers.agree is True for _, ledgers in counted)
    if counted:
        caption = message("{agreeing} of {trials} agree.").format(
            agreeing=agreeing, trials=plural(len(counted), "trial", "trials")
        )
        columns = _columns(*prose.paragraphs("ledger_columns"), prose_at=(4,))
        yield table_of(columns, rows, message("trial"), caption)
    elif analysis.faults:
        yield Text(prose.text("only_faults"))
    else:
        yield Text(message("No trial succeeded, so there is nothing to count."))
    if replica_rows := list(_replica_rows(analysis)):
        yield Text(prose.text("replica_requests"))
        columns = _columns(*prose.paragraphs("replica_columns"), prose_at=(0, 7, 8))
        yield table_of(columns, replica_rows, message("scenario"), message("Requests by replica"))


def _replica_rows(analysis: RunAnalysis) -> Iterator[Row]:
    """Yield a row for each server with several replicas, over all rounds."""
    several: dict[tuple[str, str], list[tuple[TrialLine, LedgerTotals]]] = {}
    for trial, ledgers in _ledgers(analysis):
        if trial.replicas > 1:
            several.setdefault((trial.scenario, trial.server), []).append((trial, ledgers))
    names = [scenario.name for scenario in analysis.plan.scenarios]
    requests = analysis.replica_requests
    servers = presentation_order(list(dict.fromkeys(server for _, server in several)))
    for pair in sorted(several, key=lambda pair: (names.index(pair[0]), servers.index(pair[1]))):
        replicas = [replica for replica in requests if (replica.scenario, replica.server) == pair]
        yield _replica_row(pair, several[pair], replicas)


def _replica_row(
    pair: tuple[str, str],
    trials: Sequence[tuple[TrialLine, LedgerTotals]],
    replicas: Sequence[ReplicaRequests],
) -> Row:
    first_cells = (Cell(pair[1]), Cell(str(trials[0][0].replicas)))
    ledgers = [totals for _, totals in trials]
    if not all(totals.replicas_told_apart for totals in ledgers):
        unknown = (*(Cell(MISSING) for _ in range(6)), Cell(_why_unknown(ledgers), tone="unsure"))
        return Row(pair[0], (*first_cells, *unknown))
    reads = [replica.lists + replica.gets for replica in replicas]
    watches = [replica.watches_since_start for replica in replicas]
    agreed = {replica.agree for replica in replicas}
    agree = None if None in agreed else agreed == {True}
    unseen = [text for trial in trials if (text := _unseen(*trial, replicas))]
    cells = (
        Cell(f"{min(reads):,}"),
        Cell(f"{max(reads):,}"),
        Cell(f"{sum(reads):,}"),
        Cell(f"{sum(totals.pod_reads or 0 for totals in ledgers):,}"),
        Cell(span_of(f"{min(watches):,}", f"{max(watches):,}")),
        Cell(LEDGER_WORDS[agree], tone="bad" if agree is False else ""),
        Cell(listed(unseen, "; ") if unseen else prose.text("all_seen"),
             tone="bad" if unseen else "good"),
    )  # fmt: skip
    return Row(pair[0], (*first_cells, *cells))


def _why_unknown(ledgers: Sequence[LedgerTotals]) -> str:
    for totals in ledgers:
        if totals.replicas_told_apart is False:
            agents = ", ".join(repr(agent) for agent in totals.other_agents)
            text = message("unknown: no User-Agent names a replica ({agents})")
            return text.format(agents=agents)
    return prose.text("agents_unknown")


def _unseen(trial: TrialLine, ledgers: LedgerTotals, replicas: Sequence[ReplicaRequests]) -> str:
    """Name the replicas not seen in a round, and other user agents that were; empty if none."""
    in_round = (replica for replica in replicas if replica.round == trial.round)
    unseen = [str(replica.replica) for replica in in_round if not replica.seen]
    absent, by_agent = message("not seen: replica {replicas}"), message("{count} of {agent}")
    remarks = [absent.format(replicas=", ".join(unseen))] if unseen else []
    others = ledgers.other_agents.items()
    remarks += [by_agent.format(count=f"{count:,}", agent=repr(agent)) for agent, count in others]
    text = message("round {round}: {said}")
    return text.format(round=trial.round, said=listed(remarks)) if remarks else ""


def _noise(analysis: RunAnalysis) -> Iterator[Part]:
    measured = (arm.server for result in analysis.scenarios for arm in result.contenders)
    servers = presentation_order(list(dict.fromkeys(measured)))
    rows = [row for result in analysis.scenarios for row in _noise_rows(result, servers)]
    yield Text(prose.text("noise") if rows else prose.text("no_noise"))
    if rows:
        figure = Column(message("figure"), prose=True)
        yield table_of([figure, *(Column(s) for s in servers)], rows, message("scenario"))
    controls = list(analysis.controls)
    yield Text(prose.text("controls") if controls else prose.text("no_control"))
    for scenario, control in controls:
        text = sentences.control(scenario, control)
        yield Text(text, "bad" if control.fired else "plain")
    charts = [
        chart
        for index, result in enumerate(analysis.scenarios)
        for chart in _control_charts(result, anchor_of(index))
    ]
    yield Charts(tuple(charts))


def _noise_rows(result: ScenarioAnalysis, servers: Sequence[str]) -> Iterator[Row]:
    for metric, per_1000 in of_view(View.NOISE):
        cells = []
        for server in servers:
            arm = result.arm(server)
            figure = arm.figure(metric.key, per_1000=per_1000) if arm else None
            varied = figure.variation if figure else None
            odd = figure.outlying if figure else ()
            apart = message("outlier: {rounds}").format(rounds=these_rounds(odd)) if odd else ""
            shown = MISSING if varied is None else f"{number(varied * 100)}%"
            cells.append(Cell(shown, remark=apart))
        if any(cell.value != MISSING for cell in cells):
            title = Cell(metric.title_of(per_1000=per_1000))
            yield Row(result.scenario.name, (title, *cells))


def _control_charts(result: ScenarioAnalysis, prefix: str) -> Iterator[Chart]:
    for index, control in enumerate(result.controls):
        comparisons = [(result, comparison) for comparison in compared_control(result, control)]
        title = message("{server} against itself, {scenario}").format(
            server=control.server, scenario=result.scenario.name
        )
        chart = difference_chart(f"{prefix}-control-{index}", title, comparisons)
        if chart is not None:
            yield chart


def _trials(analysis: RunAnalysis) -> Iterator[Part]:
    if not analysis.trials:
        yield Text(message("No trial was recorded."))
        return
    rows = [_trial_row(trial) for trial in analysis.trials]
    columns = _columns(*prose.paragraphs("trial_columns"), prose_at=(0,))
    yield table_of(columns, rows, message("trial"))


def _trial_row(trial: TrialLine) -> Row:
    ok, share = trial.outcome is Outcome.OK, trial.generator_cpu_share
    reason = Recorded(trial.failure) if trial.failure else message("no reason recorded")
    outcome = "ok" if ok else message("failed: {why}").format(why=reason)
    equal = {True: message("yes"), False: message("no"), None: MISSING}[trial.equal_to_list]
    cells = (
        Cell(outcome, tone="" if ok else "bad"),
        Cell(f"{trial.answered:,}"),
        Cell(f"{trial.failed:,}"),
        Cell(number(trial.achieved_rps)),
        Cell(number(trial.median_ms)),
        Cell(_total(trial.api_requests)),
        Cell(MISSING if share is None else f"{share:.0%}"),
        Cell(number(trial.schedule_lag_p99_ms)),
        _machine(trial),
        Cell(number(trial.ready_s)),
        Cell(sentences.part_of(check.wrong, check.judged) if (check := trial.answers) else MISSING),
        Cell(equal),
    )
    if trial.attempt is None or trial.attempt < 2:
        return Row(trial.folder, cells, code=True)
    again = message("{trial}, attempt {attempt}").format(trial=trial.folder, attempt=trial.attempt)
    return Row(again, cells, code=True)


def _machine(trial: TrialLine) -> Cell:
    """Return the machine's busy share of processor time; waited, throttled and stolen beside it."""
    use = trial.machine
    if use is None:
        return Cell(MISSING)
    lacks = (
        (message("waited {share}"), use.waited),
        (message("throttled {share}"), use.throttled),
        (message("steal {share}"), use.steal),
    )
    shares = [
        text.format(share=f"{part:.0%}")
        for text, part in lacks
        if part is not None and part >= 0.005
    ]
    return Cell(f"{use.busy:.0%}", remark=listed(shares))


def _load_workers(analysis: RunAnalysis) -> Iterator[Part]:
    load = analysis.load_workers
    if not any(trial.load_workers for trial in analysis.trials):
        return
    yield Text(prose.text("load_workers", here=load.here, elsewhere=load.elsewhere))
    rows = [
        Row(
            trial.folder,
            (
                Cell(worker.name),
                Cell(f"{worker.sent:,}"),
                Cell(f"{worker.failed + worker.dropped:,}"),
                Cell(f"{worker.cpu_share:.0%}"),
                Cell(number(worker.schedule_lag_p99_ms)),
                Cell(f"{worker.clock_offset_us / 1e3:+,.3f}"),
                Cell(f"{worker.clock_uncertainty_us / 1e3:,.3f}"),
                Cell(f"{worker.clock_drift_us / 1e3:+,.3f}"),
            ),
            code=True,
        )
        for trial in analysis.trials
        for worker in trial.load_workers
    ]
    columns = _columns(*prose.paragraphs("worker_columns"), prose_at=(0,))
    yield table_of(columns, rows, message("trial"))


def _environment(analysis: RunAnalysis) -> Facts:
    environment, plan = analysis.environment, analysis.plan
    packages = [f"{name} {version}" for name, version in sorted(environment.packages.items())]
    ended: str = message("not ended")
    if analysis.ended_at or analysis.reason:
        reason = message("not ended: {reason}").format(reason=Recorded(analysis.reason))
        ended = analysis.ended_at or reason
    kubernetes = f"{environment.kubernetes}, etcd {environment.etcd} ({environment.binaries})"
    machine = message("{processor}, {processors} processors, {memory} GB, {machine}, {kernel}")
    changed: tuple[str, ...] = tuple(map(Recorded, environment.changed_defaults))
    facts: list[tuple[str, tuple[str, ...]]] = [
        ("Kubernetes", (kubernetes,)),
        (
            message("Machine"),
            (
                machine.format(
                    processor=environment.processor,
                    processors=environment.processors,
                    memory=f"{environment.memory_bytes / 1e9:.1f}",
                    machine=environment.machine,
                    kernel=environment.kernel,
                ),
            ),
        ),
        (
            message("Load before the start"),
            (message("{load} over one minute").format(load=f"{environment.load_average_1m:.2f}"),),
        ),
        ("Python", (environment.python,)),
        (message("Packages"), (", ".join(packages),)),
        (message("Commit"), (environment.commit,)),
        *([(message("Base"), (sentences.base(plan.base, environment),))] if plan.base else []),
        (
            message("Plan"),
            (
                message("{plan}: {description} Seed {seed}.").format(
                    plan=plan.name, description=plan.description, seed=plan.seed
                ),
            ),
        ),
        (message("Started, ended"), (listed([analysis.started_at, ended]),)),
        (message("Changed from defaults"), changed or (message("nothing was recorded"),)),
    ]
    if analysis.resumptions:
        facts.append((message("Resumed"), tuple(map(str, analysis.resumptions))))
    return Facts(tuple(facts))


def _sources(analysis: RunAnalysis) -> Iterator[Part]:
    yield Text(prose.text("sources", run=analysis.run))
    rows = [Row(metric.title, (Cell(metric.unit), Cell(metric.source))) for metric in METRICS]
    titles = message("unit"), message("file and columns")
    yield table_of(_columns(*titles, prose_at=(0, 1)), rows, message("figure"))
