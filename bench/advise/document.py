"""The advice as a document for every renderer, and as CSV."""

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
"""Clients on the first screen."""
PROSE = 2
"""Columns of text."""
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
    """Return the document: first the clients with advice, then the others."""
    advised = [client for client in advice.clients if client.verdict in ADVISED]
    others = [client for client in advice.clients if client.verdict not in ADVISED]
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
        gains=tuple(_change(client, advice) for client in advised[:FIRST]),
        costs=tuple(Sentence(text, tone="unsure") for text in _unsaid(advice)),
        sections=tuple(section for section in sections if section.parts),
        labels={**prose.texts("labels"), "gains": TEXTS["gains"], "costs": TEXTS["costs"]},
    )


def clients_csv(advice: Advice) -> bytes:
    """Return ``clients.csv``: every client, full precision."""
    return csv_text(COLUMNS, (tuple(_csv_cells(client)) for client in advice.clients)).encode()


def _csv_cells(client: Client) -> Iterator[str | float | None]:
    yield from (client.user, client.agent, client.resource, client.scope)
    yield from (client.verdict, client.why or "")
    yield from (client.lists, client.pages, client.gets, client.watches, client.failed)
    yield from (client.versions.get(name, 0) for name in ("unset", "0", "later"))
    yield from (client.targets, client.addresses, client.per_s, client.period_s, client.objects)
    yield from (client.objects_from, client.events_per_s, client.share)
    saved = client.cpu.saved if client.cpu else None
    yield from (saved.value, saved.low, saved.high) if saved else (None,) * 3
    yield from (client.bytes.now.value, client.bytes.instead.value) if client.bytes else (None,) * 2
    yield client.break_even_per_s


def _headline(advice: Advice, advised: Sequence[Client]) -> Sentence:
    log = advice.log
    if log.drops_reads:
        key = "no_reads" if log.drops_reads == "verbs" else "drops_reads"
        return Sentence(TEXTS[key].format(kind=log.drops_reads), tone="unsure")
    if not log.covered_s:
        return Sentence(TEXTS["untimed"], tone="unsure")
    paying = [client for client in advised if client.pays]
    names = {(client.user, client.agent) for client in paying}
    if not names:
        return Sentence(TEXTS["none"])
    text = TEXTS["one" if len(names) == 1 else "several"].format(count=len(names))
    saved = sum(client.saved_share for client in paying)
    return Sentence(text, TEXTS["share"].format(share=share(saved)) if saved else "", "bad")


def _change(client: Client, advice: Advice) -> Sentence:
    text = CHANGES[client.verdict if client.pays else "leave"].format(
        client=_name(client),
        what=_target(client),
        often=_often(client),
        watches=f"{client.watches:,}",
        replicas=TEXTS["replicas"].format(count=client.addresses) if client.addresses > 1 else "",
    )
    if advice.unpriced:
        return Sentence(text, TEXTS["unpriced"].format(why=advice.unpriced))
    return Sentence(text, _saving(client))


def _saving(client: Client) -> str:
    saved = client.cpu.saved if client.cpu else None
    if saved is None:
        return ""
    if not client.pays:
        return TEXTS["not_worth"].format(rate=rate(client.break_even_per_s or 0.0))
    value, spread = _share(saved)
    bytes_text = _bytes_a_day(client)
    extra = TEXTS["saved_bytes"].format(bytes=bytes_text) if bytes_text else ""
    return TEXTS["saved"].format(share=value, spread=f" [{spread}]" if spread else "", bytes=extra)


def _share(saved: Estimate) -> tuple[str, str]:
    """Return a saved share and its interval, limited to between 0 and 100%."""
    value = f"{share(max(0.0, min(saved.value, 1.0)))}%"
    if saved.low is None:
        return value, ""
    low, high = (share(max(0.0, min(1.0, end))) for end in (saved.low, saved.high or 1.0))
    return value, "" if low == high else f"{low} to {high}%"


def _bytes_a_day(client: Client) -> str:
    """Return the bytes saved a day; empty if none, or if the count of objects is assumed."""
    price = client.bytes if client.objects_from != "assumed" else None
    less = (price.now.value - price.instead.value) * DAY_S if price else 0.0
    return scale_for([less], "B").quantity(less) if less > 0 else ""


def _name(client: Client) -> str:
    return f"{client.user} ({client.agent})" if client.agent else client.user


def _target(client: Client) -> str:
    if client.scope == "object":
        return TEXTS["object" if client.targets == 1 else "objects"].format(
            resource=client.resource, count=f"{client.targets:,}"
        )
    key = "all" if client.scope == "all" else "namespace" if client.namespaces < 2 else "namespaces"
    return TEXTS[key].format(resource=client.resource, count=client.namespaces)


def _often(client: Client) -> str:
    if client.period_s is not None and client.addresses == 1 and client.targets == 1:
        return TEXTS["again"].format(period=_time(client.period_s))
    return MISSING if client.why is Why.UNTIMED else TEXTS["rate"].format(rate=rate(client.per_s))


def _time(seconds: float) -> str:
    for size, unit in ((DAY_S, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{number(seconds / size)} {unit}"
    return f"{number(seconds)} s"


def _unsaid(advice: Advice) -> Iterator[str]:
    log, watches = advice.log, any(client.watches for client in advice.clients)
    priced = [client for client in advice.clients if client.share is not None]
    assumed = sum(client.objects_from == "assumed" for client in priced)
    if assumed:
        yield TEXTS["assumed"].format(
            rows=f"{assumed:,}", all=f"{len(advice.clients):,}", objects=number(ASSUMED)
        )
    if 0 < log.covered_s < LONGEST_WATCH_S:
        yield TEXTS["short_log"].format(time=_time(log.covered_s))
    elif log.covered_s and not log.drops_reads and not watches:
        yield TEXTS["no_watches"].format(time=_time(log.covered_s))
    if log.unread and not log.drops_reads:
        resources = ", ".join(log.unread[:FIRST]) + ", ..." * (len(log.unread) > FIRST)
        yield TEXTS["unread"].format(resources=resources)
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
    names = prose.paragraphs("advise_columns")
    columns = tuple(Column(name, prose=index < PROSE) for index, name in enumerate(names))
    rows = tuple(
        _row(client, Depth.TERMINAL if index < on_terminal else Depth.MARKDOWN)
        for index, client in enumerate(clients[:ON_PAGE])
    )
    depth = Depth.TERMINAL if on_terminal else Depth.MARKDOWN
    table = Table(
        "", columns, (Group(rows),), corner=TEXTS["client"], layout="stacked", depth=depth
    )
    more = len(clients) - len(rows)
    rest = (Text(TEXTS["others_folded"].format(count=f"{more:,}"), depth=depth),) if more else ()
    return Section(anchor, title, (table, *rest), folded=not on_terminal)


def _row(client: Client, depth: Depth) -> Row:
    reason = REASONS[client.why] if client.why else ""
    saved = client.cpu.saved if client.cpu else None
    value, spread = _share(saved) if saved else (MISSING, "")
    if saved and spread and saved.low is not None and saved.low <= 0:
        value, spread = spread, ""  # short forms leave out the interval
    cells = (
        Cell(_target(client)),
        Cell(str(client.verdict), remark=reason, tone=TONES.get(client.verdict, "")),
        Cell(f"{client.lists + client.gets:,}"),
        Cell(_often(client)),
        Cell(MISSING if client.share is None else f"{share(client.share)}%"),
        Cell(value, spread),
        Cell(_bytes_a_day(client) or MISSING),
    )
    return Row(_name(client), cells, depth=depth)


def _basis(advice: Advice) -> Texts:
    sources = Counter(client.objects_from for client in advice.clients if client.scope != "object")
    known = {name: sources.get(name, 0) for name in ("pages", "names", "assumed")}
    sentences = [
        TEXTS["counted"].format(known=sources.get("counts", 0), objects=number(ASSUMED), **known),
    ]
    if any(client.selected for client in advice.clients):
        sentences.append(TEXTS["selectors"])
    if advice.unit_costs:
        size = scale_for([advice.pod_bytes], "B").quantity(advice.pod_bytes)
        trust = TEXTS["trust"].format(run=advice.unit_costs, pods=number(advice.pods), bytes=size)
        sentences.insert(0, trust)
    else:
        sentences.insert(0, TEXTS["unpriced"].format(why=advice.unpriced))
    texts = [Text(text) for text in sentences]
    if not sources.get("counts"):
        texts.append(Text(TEXTS["counts_command"], code=COMMAND))
    return Texts(tuple(texts))
