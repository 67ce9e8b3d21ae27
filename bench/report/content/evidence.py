"""What the figures rest on, and how they came about: answers, ledgers, noise, trials, method."""

from collections.abc import Iterator, Sequence

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
from bench.model import Outcome, RunState
from bench.report import prose, sentences
from bench.report.charts import Chart
from bench.report.content.rows import compared_control, metric
from bench.report.content.scenario import anchor_of, difference_chart
from bench.report.document import (
    Cell,
    Charts,
    Column,
    Depth,
    Facts,
    Group,
    Part,
    Row,
    Section,
    Table,
    Text,
    Texts,
)
from bench.report.numbers import MISSING, number
from bench.stats import Verdict

MOST_DIFFERENCES = 20
LEDGER_WORDS = {True: "agree", False: "differ", None: "not comparable"}
LEDGER_TONES = {True: "good", False: "bad", None: "unsure"}


def trust(analysis: RunAnalysis) -> Iterator[Text]:
    """Say in a line each whether answers were the same, and whether counts agree."""
    equality = analysis.equality
    if equality is None:
        yield Text(prose.text("answers_unchecked"), "bad", "Not checked")
    elif equality.equal:
        asked = sentences.plural(len(equality.answers), "query", "queries")
        servers = sentences.plural(len(equality.servers), "server")
        text = prose.text("answers_alike", servers=servers, asked=asked)
        yield Text(text, "good", "Same answers", ("#equality", "Which"))
    else:
        link = ("#equality", "See the differences")
        yield Text(prose.text("answers_unlike"), "bad", "Different answers", link)
    held = _ledgers(analysis)
    if held:
        yield _counts(held, existing=analysis.environment.existing)
    for scenario, one in analysis.controls:
        tone = {Verdict.EQUIVALENT: "good", Verdict.DIFFERENT: "bad"}.get(one.verdict, "unsure")
        text = sentences.control_briefly(scenario, one)
        yield Text(text, tone, "Control", ("#noise", "How"))
    yield from ending(analysis)
    for caveat in analysis.caveats:
        if caveat.scenario is None and caveat not in analysis.void:
            yield Text(caveat.text, term=sentences.capitalised(str(caveat.kind)))


def ending(analysis: RunAnalysis) -> Iterator[Text]:
    """Say why the run made no further rounds, and how sure it is against what its plan wants."""
    if analysis.state is not RunState.COMPLETE:
        return
    found = next(iter(precisions(analysis.scenarios)), None)
    if analysis.plan.precision is not None and found is not None:
        said = sentences.ended(found, analysis.plan, out_of_time=analysis.out_of_time)
        yield Text(said, term="Precision")
    elif analysis.out_of_time:
        yield Text(sentences.out_of_time(analysis.plan), term="Rounds")


def _ledgers(analysis: RunAnalysis) -> list[tuple[TrialLine, LedgerTotals]]:
    return [(one, one.ledgers) for one in analysis.trials if one.ledgers is not None]


def _counts(held: Sequence[tuple[TrialLine, LedgerTotals]], *, existing: bool) -> Text:
    agreeing = sum(ledgers.agree is True for _, ledgers in held)
    differing = any(ledgers.agree is False for _, ledgers in held)
    link = ("#ledgers", "Key by key")
    if existing and not differing:
        if not agreeing:
            return Text(prose.text("own_count_only"), "plain", "Counts", link)
        return Text(prose.text("two_ledgers", trials=agreeing), "good", "Counts agree", link)
    if agreeing == len(held):
        return Text(prose.text("three_ledgers", trials=len(held)), "good", "Counts agree", link)
    text = f"the ledgers of requests agree in {agreeing} of {len(held)} trials."
    return Text(text, "bad", "Counts differ", link)


def evidence_sections(analysis: RunAnalysis) -> Iterator[Section]:
    """Return what stands at the end of the page, and nowhere else."""
    yield _section("equality", "Were the answers the same?", _equality(analysis))
    yield _section(
        "ledgers", "Requests to the API server, counted three ways", _ledger_parts(analysis)
    )
    yield _section("noise", "Noise, and the controls", _noise(analysis))
    yield _section("trials", "The trials, one by one", _trials(analysis))
    if any(one.load_workers for one in analysis.trials):
        yield _section("load-workers", "Who made the load", _load_workers(analysis))
    yield _section(
        "method", "How it was measured", [_list(prose.method(analysis.plan, analysis.environment))]
    )
    title = "Where the servers answer differently, on purpose"
    purposes = _list(prose.paragraphs("on_purpose_list"))
    yield _section("on-purpose", title, [Text(prose.text("on_purpose")), purposes])
    title = "Where, with what, and what was changed from defaults"
    yield _section("environment", title, [_environment(analysis)])
    yield _section("sources", "Where each figure comes from", _sources(analysis))
    terms = tuple((term, (text,)) for term, text in prose.texts("glossary").items())
    yield _section("glossary", "Glossary", [Facts(terms)])


def _section(anchor: str, title: str, parts: Iterator[Part] | Sequence[Part]) -> Section:
    return Section(anchor, title, tuple(parts), depth=Depth.PAGE, folded=True)


def _list(texts: Sequence[str]) -> Texts:
    return Texts(tuple(Text(text) for text in texts))


def _table(columns: Sequence[Column], rows: Sequence[Row], corner: str, caption: str = "") -> Table:
    groups = (Group(tuple(rows)),)
    return Table("", tuple(columns), groups, caption, corner, depth=Depth.PAGE)


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
                    "equal" if answer.equal else "differ",
                    remark="; ".join(str(one) for one in answer.differences[:MOST_DIFFERENCES]),
                    tone="" if answer.equal else "bad",
                ),
                Cell(str(answer.attempts)),
            ),
            code=True,
        )
        for answer in equality.answers
    ]
    yield _table(_columns("answers", "attempts", prose_at=(0,)), rows, "query")


def _total(count: int | None) -> str:
    return MISSING if count is None else f"{count:,}"


def _ledger_parts(analysis: RunAnalysis) -> Iterator[Part]:
    yield Text(prose.text("ledgers"))
    held = _ledgers(analysis)
    if held and analysis.faults:
        yield Text("Trials with a fault are not among these.")
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
                    remark="; ".join((*one.disagreements, *one.missing)),
                    tone=LEDGER_TONES[one.agree],
                ),
            ),
            code=True,
        )
        for trial, one in held
    ]
    titles = (
        *("server's own count", "audit log, its account", "audit log, everyone"),
        *("API server's metric", "ledgers"),
    )
    agreeing = sum(one.agree is True for _, one in held)
    if held:
        caption = f"{agreeing} of {len(held)} trials agree."
        yield _table(_columns(*titles, prose_at=(4,)), rows, "trial", caption)
    elif analysis.faults:
        yield Text(prose.text("only_faults"))
    else:
        yield Text("No trial ended well, so there is nothing to count.")
    if asking := list(_replica_rows(analysis)):
        yield Text(prose.text("replica_requests"))
        asked = (
            *("server", "replicas", "fewest reads", "most reads", "reads of all"),
            *("of the account", "watches", "own counts", "seen in the audit log"),
        )
        yield _table(
            _columns(*asked, prose_at=(0, 7, 8)), asking, "scenario", "Which replica asked"
        )


def _replica_rows(analysis: RunAnalysis) -> Iterator[Row]:
    """Return a row for each server that had several replicas, all rounds."""
    several: dict[tuple[str, str], list[TrialLine]] = {}
    for trial, _ in _ledgers(analysis):
        if trial.replicas > 1:
            several.setdefault((trial.scenario, trial.server), []).append(trial)
    names = [one.name for one in analysis.plan.scenarios]
    servers = presentation_order(list(dict.fromkeys(server for _, server in several)))
    for place in sorted(several, key=lambda at: (names.index(at[0]), servers.index(at[1]))):
        found = [one for one in analysis.replica_requests if (one.scenario, one.server) == place]
        yield _replica_row(place, several[place], found)


def _replica_row(
    place: tuple[str, str], trials: Sequence[TrialLine], found: Sequence[ReplicaRequests]
) -> Row:
    head = (Cell(place[1]), Cell(str(trials[0].replicas)))
    ledgers = [trial.ledgers for trial in trials if trial.ledgers is not None]
    if not all(one.replicas_told_apart for one in ledgers):
        unknown = (*(Cell(MISSING) for _ in range(6)), Cell(_why_untold(ledgers), tone="unsure"))
        return Row(place[0], (*head, *unknown))
    reads = [one.lists + one.gets for one in found]
    watches = [one.watches_since_start for one in found]
    agreed = {one.agree for one in found}
    own = "not comparable" if None in agreed else "agree" if agreed == {True} else "differ"
    unseen = [text for trial in trials if (text := _unseen(trial, found))]
    cells = (
        Cell(f"{min(reads):,}"),
        Cell(f"{max(reads):,}"),
        Cell(f"{sum(reads):,}"),
        Cell(f"{sum(one.pod_reads or 0 for one in ledgers):,}"),
        Cell(" to ".join(dict.fromkeys(f"{edge(watches):,}" for edge in (min, max)))),
        Cell(own, tone="bad" if own == "differ" else ""),
        Cell("; ".join(unseen) or prose.text("all_seen"), tone="bad" if unseen else "good"),
    )
    return Row(place[0], (*head, *cells))


def _why_untold(ledgers: Sequence[LedgerTotals]) -> str:
    for one in ledgers:
        if one.replicas_told_apart is False:
            agents = ", ".join(repr(agent) for agent in one.other_agents)
            return f"not told apart: no User-Agent names a replica ({agents})"
    return prose.text("agents_unknown")


def _unseen(trial: TrialLine, found: Sequence[ReplicaRequests]) -> str:
    """Say which replica is not seen in a round, and who else is; empty if nothing is to say."""
    unseen = [str(one.replica) for one in found if one.round == trial.round and not one.seen]
    said = [f"not seen: replica {', '.join(unseen)}"] if unseen else []
    others = trial.ledgers.other_agents if trial.ledgers else {}
    said += [f"{count:,} of {agent!r}" for agent, count in others.items()]
    return f"round {trial.round}: {', '.join(said)}" if said else ""


def _noise(analysis: RunAnalysis) -> Iterator[Part]:
    servers = presentation_order(
        list(dict.fromkeys(arm.server for one in analysis.scenarios for arm in one.contenders))
    )
    rows = [row for one in analysis.scenarios for row in _noise_rows(one, servers)]
    yield Text(prose.text("noise") if rows else prose.text("no_noise"))
    if rows:
        yield _table(
            [Column("figure", prose=True), *(Column(s) for s in servers)], rows, "scenario"
        )
    controls = list(analysis.controls)
    yield Text(prose.text("controls") if controls else prose.text("no_control"))
    for scenario, one in controls:
        text = sentences.control(scenario, one, metric(one.metric))
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
            apart = f"{'round' if len(odd) == 1 else 'rounds'} {', '.join(map(str, odd))} apart"
            shown = MISSING if varied is None else f"{number(varied * 100)}%"
            cells.append(Cell(shown, remark=apart if odd else ""))
        if any(cell.value != MISSING for cell in cells):
            title = Cell(of.title_of(per_1000=per_1000))
            yield Row(one.scenario.name, (title, *cells))


def _control_charts(one: ScenarioAnalysis, prefix: str) -> Iterator[Chart]:
    for index, control in enumerate(one.controls):
        found = [(one, of, each) for of, each in compared_control(one, control)]
        title = f"{control.server} against itself, {one.scenario.name}"
        chart = difference_chart(f"{prefix}-control-{index}", title, found)
        if chart is not None:
            yield chart


def _trials(analysis: RunAnalysis) -> Iterator[Part]:
    if not analysis.trials:
        yield Text("No trial was written.")
        return
    titles = (
        *("outcome", "reads answered", "failed or dropped", "sent/s", "p50, ms", "API requests"),
        *("generator CPU", "send lag p99, ms", "machine in use", "ready, s"),
        *("wrong answers", "equal to LIST after"),
    )
    rows = [_trial_row(one) for one in analysis.trials]
    yield _table(_columns(*titles, prose_at=(0,)), rows, "trial")


def _trial_row(one: TrialLine) -> Row:
    ok, part = one.outcome is Outcome.OK, one.generator_cpu_share
    outcome = "ok" if ok else f"failed: {one.failure or 'no reason recorded'}"
    equal = {True: "yes", False: "no", None: MISSING}[one.equal_to_list]
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
        Cell(f"{check.wrong:,} of {check.judged:,}" if (check := one.answers) else MISSING),
        Cell(equal),
    )
    again = "" if one.attempt is None or one.attempt < 2 else f", attempt {one.attempt}"
    return Row(f"{one.folder}{again}", cells, code=True)


def _machine(one: TrialLine) -> Cell:
    """Return the share of the machine's processor time in use, and what lacked of it."""
    use = one.machine
    if use is None:
        return Cell(MISSING)
    lacks = (("waited", use.waited), ("throttled", use.throttled), ("steal", use.steal))
    shares = [f"{what} {part:.0%}" for what, part in lacks if part is not None and part >= 0.005]
    return Cell(f"{use.busy:.0%}", remark=", ".join(shares))


def _load_workers(analysis: RunAnalysis) -> Iterator[Part]:
    load = analysis.load_workers
    yield Text(prose.text("load_workers", here=load.here, elsewhere=load.elsewhere))
    titles = (
        *("worker", "sent", "failed or dropped", "CPU", "send lag p99, ms", "clock offset, ms"),
        *("true to \N{PLUS-MINUS SIGN} ms", "drift, ms"),
    )
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
    yield _table(_columns(*titles, prose_at=(0,)), rows, "trial")


def _environment(analysis: RunAnalysis) -> Facts:
    one, plan = analysis.environment, analysis.plan
    packages = ", ".join(f"{name} {version}" for name, version in sorted(one.packages.items()))
    ended = analysis.ended_at or f"not ended{f': {analysis.reason}' if analysis.reason else ''}"
    facts = [
        ("Kubernetes", (f"{one.kubernetes}, etcd {one.etcd} ({one.binaries})",)),
        (
            "Machine",
            (
                (
                    f"{one.processor}, {one.processors} processors, "
                    f"{one.memory_bytes / 1e9:.1f} GB, {one.machine}, {one.kernel}"
                ),
            ),
        ),
        ("Load before the start", (f"{one.load_average_1m:.2f} over one minute",)),
        ("Python", (one.python,)),
        ("Packages", (packages,)),
        ("Commit", (one.commit,)),
        ("Plan", (f"{plan.name}: {plan.description} Seed {plan.seed}.",)),
        ("Started, ended", (f"{analysis.started_at}, {ended}",)),
        ("Changed from defaults", tuple(one.changed_defaults) or ("nothing was recorded",)),
    ]
    if analysis.resumptions:
        facts.append(("Resumed", tuple(str(one) for one in analysis.resumptions)))
    return Facts(tuple(facts))


def _sources(analysis: RunAnalysis) -> Iterator[Part]:
    yield Text(prose.text("sources", run=analysis.run))
    rows = [Row(one.title, (Cell(one.unit), Cell(one.source))) for one in METRICS]
    yield _table(_columns("unit", "file and columns", prose_at=(0, 1)), rows, "figure")
