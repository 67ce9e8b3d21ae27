"""Request budgets: limits on clients' requests, judged by the advice of an audit log.

A log's counts are exact, so a budget holds or does not: there is no interval.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from bench.advise.advise import COMPONENTS, is_known
from bench.advise.result import Advice
from bench.gate.documents import GATE_SCHEMA, TONES, notes, rule_line, rule_table
from bench.gate.judge import GRAVEST_FIRST, Outcome
from bench.gate.rules import RulesError
from bench.model.message import message
from bench.plan.toml_schema import Key, Name, Text, TomlFile, number, one_of
from bench.report import prose
from bench.report.document import Alarm, Cell, Document, Section, Sentence
from bench.report.numbers import EXACT
from bench.report.numbers import number as shown

ANY = "*"
VERBS = ("list", "get", "watch")
HOUR_S = 3600
TEXTS = prose.texts("budgets")


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit on requests, in the whole log or an hour; ``*`` stands for anything."""

    name: str
    at_most: float
    client: str = ANY
    resource: str = ANY
    verb: str = ANY
    per: str = "log"


@dataclass(frozen=True, slots=True)
class Budgets:
    """A file of budgets."""

    name: str
    description: str
    budgets: tuple[Budget, ...]


@dataclass(frozen=True, slots=True)
class Spent:
    """A budget's requests, its outcome and its ``busiest`` client, empty if no client matches."""

    budget: Budget
    value: float
    outcome: Outcome
    busiest: str


_HEAD = {
    "name": Key(Name, "the name of the budgets", '"reads"'),
    "description": Key(Text, "one sentence: what they protect", '"Reads stay cheap."'),
}
_BUDGET = {
    "name": Key(Text, "what must hold", '"the controller lists secrets once"'),
    "at_most": Key(number(0, 1e15), "the largest number of requests allowed", "1"),
    "client": Key(Text, "a user, * stands for anything", '"system:serviceaccount:shop:*"'),
    "resource": Key(Text, "a resource with its group", '"deployments.apps"'),
    "verb": Key(one_of(VERBS), "a verb; left out: all of these", '"list"'),
    "per": Key(one_of(("log", "hour")), "the time that at_most covers", '"hour"'),
}


def read_budgets(path: Path) -> Budgets:
    """Read a TOML file of ``[[budgets]]``; raises ``RulesError``."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(
            f"cannot read the budgets {path}: {error}; advice is judged by a .toml file of "
            "[[budgets]], named by --rules"
        ) from error
    file = TomlFile(text, str(path), RulesError)
    head = file.head(_HEAD, "a file of budgets", ["budgets"])
    budgets = tuple(table.build(Budget) for table in file.tables("budgets", _BUDGET, "a budget"))
    if not budgets:
        raise head.error("budgets", "a file of budgets needs at least one [[budgets]] table")
    return head.build(Budgets, budgets=budgets)


def judge_budgets(budgets: Budgets, advice: Advice) -> tuple[Spent, ...]:
    """Judge every budget; all are INVALID if the log drops reads, is cut short or has no times."""
    void = any(_of_log(advice))
    return tuple(_spent(budget, advice, void=void) for budget in budgets.budgets)


def _reasons(budgets: Budgets, advice: Advice) -> tuple[str, ...]:
    coded = [budget.name for budget in budgets.budgets if _needs_names(budget, advice)]
    named = (TEXTS["coded"].format(budgets=", ".join(coded)),) if coded else ()
    return (*_of_log(advice), *named)


def _of_log(advice: Advice) -> Iterator[str]:
    """Yield the reasons why the log cannot be judged."""
    log = advice.log
    if log.drops_reads:
        yield TEXTS["drops_reads"].format(kind=log.drops_reads)
    elif not log.covered_s:
        yield TEXTS["untimed"]
    if log.cut_short:
        yield TEXTS["cut_short"].format(files=", ".join(log.cut_short))


def _needs_names(budget: Budget, advice: Advice) -> bool:
    """Tell whether a budget is for names that the advice has replaced by codes."""
    user, resource = budget.client, budget.resource
    return advice.anonymous and not (
        (user in (ANY, *COMPONENTS) or user.startswith("client-"))
        and (resource == ANY or resource.startswith("resource-") or is_known(resource))
    )


def _spent(budget: Budget, advice: Advice, *, void: bool) -> Spent:
    asked: dict[str, int] = {}
    for row in advice.clients:
        if fnmatchcase(row.user, budget.client) and fnmatchcase(row.resource, budget.resource):
            counts = {"list": row.lists, "get": row.gets, "watch": row.watches}
            requests = counts.get(budget.verb, sum(counts.values()))
            asked[row.user] = asked.get(row.user, 0) + requests
    value = float(sum(asked.values()))
    if budget.per == "hour" and advice.log.covered_s:
        value *= HOUR_S / advice.log.covered_s
    outcome = Outcome.PASS if value <= budget.at_most else Outcome.FAIL
    if void or _needs_names(budget, advice):
        outcome = Outcome.INVALID
    return Spent(budget, value, outcome, max(asked, key=asked.__getitem__, default=""))


def outcome_of(spent: tuple[Spent, ...]) -> Outcome:
    """Return the gravest outcome of all."""
    outcomes = {row.outcome for row in spent}
    return next(outcome for outcome in GRAVEST_FIRST if outcome in outcomes)


def budgets_document(budgets: Budgets, spent: tuple[Spent, ...], advice: Advice) -> Document:
    """Return the verdict as a document."""
    outcome = outcome_of(spent)
    broken = sum(row.outcome is not Outcome.PASS for row in spent)
    lines = (
        rule_line(
            row.budget.name,
            Cell(str(row.outcome), tone=TONES[row.outcome]),
            shown(row.value, EXACT),
            shown(row.budget.at_most, EXACT),
            TEXTS[row.budget.per],
            row.busiest or TEXTS["nobody"],
        )
        for row in spent
    )
    table = rule_table(TEXTS["budget"], prose.paragraphs("budget_columns"), lines)
    reasons = _reasons(budgets, advice)
    return Document(
        title=TEXTS["title"].format(name=budgets.name),
        headline=Sentence(
            TEXTS[outcome].format(broken=broken, budgets=len(spent)), tone=TONES[outcome]
        ),
        alarms=(Alarm("INVALID", reasons),) if reasons else (),
        sections=(Section("budgets", TEXTS["budgets"], (table,)),),
        notes=notes(message("Exit code {code}.").format(code=outcome.exit_code)),
    )


def budgets_json(budgets: Budgets, spent: tuple[Spent, ...], advice: Advice) -> bytes:
    """Return the content of ``gate-<budgets>.json``."""
    outcome = outcome_of(spent)
    record: dict[str, Any] = {
        "gate_schema": GATE_SCHEMA,
        "rules": budgets.name,
        "outcome": outcome,
        "exit_code": outcome.exit_code,
        "reasons": [str(reason) for reason in _reasons(budgets, advice)],
        "rows": spent,
    }
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
