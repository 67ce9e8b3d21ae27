"""What a log says of the clients, as a document for every renderer, and as CSV."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence

from bench.advise.counts import ASSUMED, COMMAND
from bench.advise.formats import GOOGLE
from bench.advise.result import ADVISED, Advice, Client, Verdict, Why
from bench.advise.verdicts import LONGEST_WATCH_S
from bench.report import prose
from bench.report.charts import csv_text
from bench.report.document import (
    Cell,
    Column,
    Depth,
    Document,
    Facts,
    Group,
    Row,
    Section,
    Sentence,
    Table,
    Text,
    Texts,
)
from bench.report.numbers import MISSING, number, rate, scale_for, share
from bench.stats import Estimate

TEXTS = prose.texts("advise")
CHANGES = prose.texts("advise_changes")
MEANINGS = prose.texts("advise_verdicts")
REASONS = prose.texts("advise_reasons")
TONES = {**dict.fromkeys(ADVISED, "bad"), Verdict.WATCHES: "good"}
FIRST = 3
"""Clients that the first screen speaks of."""
PROSE = 2
"""Columns that are words."""
ON_TERMINAL = 15
ON_PAGE = 200
"""Rows of a table; the CSV has all of them."""
DAY_S = 86_400
COLUMNS = (
    *("user", "agent", "resource", "scope", "verdict", "why", "lists", "list_requests", "gets"),
    *("watches", "failed", "lists_unset", "lists_rv_0", "lists_rv_later", "targets"),
    *("addresses", "reads_per_s", "period_s", "objects", "objects_from", "events_per_s"),
    *("share_of_read_cpu", "saved_cpu", "saved_cpu_low_95", "saved_cpu_high_95"),
    *("bytes_per_s", "bytes_per_s_instead", "break_even_per_s"),
)


def advice_document(advice: Advice) -> Document:
    """Return the document: first who should stop asking, then everyone."""
    advised = [one for one in advice.clients if one.verdict in ADVISED]
    others = [one for one in advice.clients if one.verdict not in ADVISED]
    meanings = Facts(tuple((name, (MEANINGS[name],)) for name in Verdict))
    sections = [
        _section("asks", TEXTS["asks"], advised, ON_TERMINAL),
        _section("others", TEXTS["others"], others, 0),
        Section("verdicts", TEXTS["verdicts_title"], (meanings,), depth=Depth.PAGE),
        Section("basis", TEXTS["basis_title"], (_basis(advice),), depth=Depth.MARKDOWN),
    ]
    log = advice.log
    time = _time(log.covered_s) if log.covered_s else MISSING
    return Document(
        title=TEXTS["title"],
        headline=_headline(advice, advised),
        kicker=TEXTS["kicker"].format(requests=f"{log.requests:,}", time=time),
        gains=tuple(_change(one, advice) for one in advised[:FIRST]),
        costs=tuple(Sentence(text, tone="unsure") for text in _unsaid(advice)),
        sections=tuple(one for one in sections if one.parts),
        labels={**prose.texts("labels"), "gains": TEXTS["gains"], "costs": TEXTS["costs"]},
    )


def clients_csv(advice: Advice) -> bytes:
    """Return ``clients.csv``: every client, full precision."""
    return csv_text(COLUMNS, (tuple(_csv_cells(one)) for one in advice.clients)).encode()


def _csv_cells(one: Client) -> Iterator[str | float | None]:
    yield from (one.user, one.agent, one.resource, one.scope, one.verdict, one.why or "")
    yield from (one.lists, one.pages, one.gets, one.watches, one.failed)
    yield from (one.versions.get(name, 0) for name in ("unset", "0", "later"))
    yield from (one.targets, one.addresses, one.per_s, one.period_s, one.objects)
    yield from (one.objects_from, one.events_per_s, one.share)
    saved = one.cpu.saved if one.cpu else None
    yield from (saved.value, saved.low, saved.high) if saved else (None,) * 3
    yield from (one.bytes.now.value, one.bytes.instead.value) if one.bytes else (None,) * 2
    yield one.break_even_per_s


def _headline(advice: Advice, advised: Sequence[Client]) -> Sentence:
    log = advice.log
    if log.drops_reads:
        key = "no_reads" if log.drops_reads == "verbs" else "drops_reads"
        return Sentence(TEXTS[key].format(kind=log.drops_reads), tone="unsure")
    if not log.covered_s:
        return Sentence(TEXTS["untimed"], tone="unsure")
    paying = [one for one in advised if one.pays]
    names = {(one.user, one.agent) for one in paying}
    if not names:
        return Sentence(TEXTS["none"])
    text = TEXTS["one" if len(names) == 1 else "several"].format(count=len(names))
    saved = sum(one.saved_share for one in paying)
    return Sentence(text, TEXTS["share"].format(share=share(saved)) if saved else "", "bad")


def _change(one: Client, advice: Advice) -> Sentence:
    text = CHANGES[one.verdict if one.pays else "leave"].format(
        client=_name(one),
        what=_what(one),
        often=_often(one),
        watches=f"{one.watches:,}",
        replicas=TEXTS["replicas"].format(count=one.addresses) if one.addresses > 1 else "",
    )
    if advice.unpriced:
        return Sentence(text, TEXTS["unpriced"].format(why=advice.unpriced))
    return Sentence(text, _saving(one))


def _saving(one: Client) -> str:
    saved = one.cpu.saved if one.cpu else None
    if saved is None:
        return ""
    if not one.pays:
        return TEXTS["not_worth"].format(rate=rate(one.break_even_per_s or 0.0))
    value, spread = _share(saved)
    more = _bytes_a_day(one)
    extra = TEXTS["saved_bytes"].format(bytes=more) if more else ""
    return TEXTS["saved"].format(share=value, spread=f" [{spread}]" if spread else "", bytes=extra)


def _share(saved: Estimate) -> tuple[str, str]:
    """Return a share saved and its interval; more than everything cannot be saved."""
    value = f"{share(max(0.0, min(saved.value, 1.0)))}%"
    if saved.low is None:
        return value, ""
    low, high = (share(max(0.0, min(1.0, end))) for end in (saved.low, saved.high or 1.0))
    return value, "" if low == high else f"{low} to {high}%"


def _bytes_a_day(one: Client) -> str:
    """Return the bytes saved; shares bear an assumed count of objects, an amount does not."""
    known = one.bytes if one.objects_from != "assumed" else None
    less = (known.now.value - known.instead.value) * DAY_S if known else 0.0
    return scale_for([less], "B").quantity(less) if less > 0 else ""


def _name(one: Client) -> str:
    return f"{one.user} ({one.agent})" if one.agent else one.user


def _what(one: Client) -> str:
    if one.scope == "object":
        return TEXTS["object" if one.targets == 1 else "objects"].format(
            resource=one.resource, count=f"{one.targets:,}"
        )
    key = "all" if one.scope == "all" else "namespace" if one.namespaces < 2 else "namespaces"
    return TEXTS[key].format(resource=one.resource, count=one.namespaces)


def _often(one: Client) -> str:
    if one.period_s is not None and one.addresses == 1 and one.targets == 1:
        return TEXTS["again"].format(period=_time(one.period_s))
    return MISSING if one.why is Why.UNTIMED else TEXTS["rate"].format(rate=rate(one.per_s))


def _time(seconds: float) -> str:
    for size, unit in ((DAY_S, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{number(seconds / size)} {unit}"
    return f"{number(seconds)} s"


def _unsaid(advice: Advice) -> Iterator[str]:
    log = advice.log
    assumed = sum(one.objects_from == "assumed" and one.share is not None for one in advice.clients)
    if assumed:
        yield TEXTS["assumed"].format(
            rows=f"{assumed:,}", all=f"{len(advice.clients):,}", objects=number(ASSUMED)
        )
    if 0 < log.covered_s < LONGEST_WATCH_S:
        yield TEXTS["short_log"].format(time=_time(log.covered_s))
    elif log.covered_s and not log.drops_reads and not any(one.watches for one in advice.clients):
        yield TEXTS["no_watches"].format(time=_time(log.covered_s))
    if log.unread and not log.drops_reads:
        shown = ", ".join(log.unread[:FIRST]) + ", ..." * (len(log.unread) > FIRST)
        yield TEXTS["unread"].format(resources=shown)
    begins, ends = log.begins_s, log.ends_s
    if begins is not None and ends is not None and ends - begins > 2 * log.covered_s:
        times = (
            f"{dt.datetime.fromtimestamp(end, dt.UTC):%Y-%m-%d %H:%M}" for end in (begins, ends)
        )
        yield TEXTS["gaps"].format(begins=next(times), ends=next(times), time=_time(log.covered_s))
    if GOOGLE in log.records:
        yield TEXTS["no_query"]
    if log.unknown:
        records = sum(log.records.values()) + log.unknown
        yield TEXTS["unknown"].format(
            count=f"{log.unknown:,}", records=f"{records:,}", example=log.unknown_example
        )
    if log.too_long:
        yield TEXTS["too_long"].format(count=log.too_long)
    if log.cut_short:
        yield TEXTS["cut_short"].format(files=", ".join(log.cut_short))
    yield TEXTS["addresses"]


def _section(anchor: str, title: str, clients: Sequence[Client], on_terminal: int) -> Section:
    if not clients:
        return Section(anchor, title, ())
    heads = prose.paragraphs("advise_columns")
    columns = tuple(Column(name, prose=place < PROSE) for place, name in enumerate(heads))
    rows = tuple(
        _row(one, Depth.TERMINAL if place < on_terminal else Depth.MARKDOWN)
        for place, one in enumerate(clients[:ON_PAGE])
    )
    depth = Depth.TERMINAL if on_terminal else Depth.MARKDOWN
    table = Table(
        "", columns, (Group(rows),), corner=TEXTS["client"], layout="stacked", depth=depth
    )
    more = len(clients) - len(rows)
    left = (Text(TEXTS["others_folded"].format(count=f"{more:,}"), depth=depth),) if more else ()
    return Section(anchor, title, (table, *left), folded=not on_terminal)


def _row(one: Client, depth: Depth) -> Row:
    why = REASONS[one.why] if one.why else ""
    saved = one.cpu.saved if one.cpu else None
    value, spread = _share(saved) if saved else (MISSING, "")
    if saved and spread and saved.low is not None and saved.low <= 0:
        value, spread = spread, ""  # the short forms leave the interval out
    cells = (
        Cell(_what(one)),
        Cell(str(one.verdict), remark=why, tone=TONES.get(one.verdict, "")),
        Cell(f"{one.lists + one.gets:,}"),
        Cell(_often(one)),
        Cell(MISSING if one.share is None else f"{share(one.share)}%"),
        Cell(value, spread),
        Cell(_bytes_a_day(one) or MISSING),
    )
    return Row(_name(one), cells, depth=depth)


def _basis(advice: Advice) -> Texts:
    said = Counter(one.objects_from for one in advice.clients if one.scope != "object")
    known = {name: said.get(name, 0) for name in ("pages", "names", "assumed")}
    told = [
        TEXTS["counted"].format(known=said.get("counts", 0), objects=number(ASSUMED), **known),
    ]
    if any(one.selected for one in advice.clients):
        told.append(TEXTS["selectors"])
    if advice.unit_costs:
        size = scale_for([advice.pod_bytes], "B").quantity(advice.pod_bytes)
        told.insert(
            0,
            TEXTS["trust"].format(run=advice.unit_costs, pods=number(advice.pods), bytes=size),
        )
    else:
        told.insert(0, TEXTS["unpriced"].format(why=advice.unpriced))
    texts = [Text(text) for text in told]
    if not said.get("counts"):
        texts.append(Text(TEXTS["counts_command"], code=COMMAND))
    return Texts(tuple(texts))
