"""Request budgets: how often which clients may ask for what, judged by the advice of an audit log.

A log's counts are exact, so that a budget holds or does not: there is no interval.
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
    """What may be asked at most, in the whole log or an hour; ``*`` stands for anything."""

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
    """A budget, what was asked, and what that comes to.

    ``busiest`` is who asked most; empty where no client of the log fits.
    """

    budget: Budget
    value: float
    outcome: Outcome
    busiest: str


_HEAD = {
    "name": Key(Name, "what the budgets are called", '"reads"'),
    "description": Key(Text, "one sentence: what they protect", '"Reads stay cheap."'),
}
_BUDGET = {
    "name": Key(Text, "what must hold", '"the controller lists secrets once"'),
    "at_most": Key(number(0, 1e15), "the most requests that are right", "1"),
    "client": Key(Text, "a user, * stands for anything", '"system:serviceaccount:shop:*"'),
    "resource": Key(Text, "a resource with its group", '"deployments.apps"'),
    "verb": Key(one_of(VERBS), "a verb; left out: all of these", '"list"'),
    "per": Key(one_of(("log", "hour")), "what at_most is of", '"hour"'),
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
    found = tuple(table.build(Budget) for table in file.tables("budgets", _BUDGET, "a budget"))
    if not found:
        raise head.error("budgets", "a file of budgets needs at least one [[budgets]] table")
    return head.build(Budgets, budgets=found)


def judge_budgets(budgets: Budgets, advice: Advice) -> tuple[Spent, ...]:
    """Judge every budget; all are INVALID where the log drops reads, has no end or no times."""
    void = any(_of_log(advice))
    return tuple(_spent(budget, advice, void=void) for budget in budgets.budgets)


def _reasons(budgets: Budgets, advice: Advice) -> tuple[str, ...]:
    coded = [one.name for one in budgets.budgets if _names_what_is_coded(one, advice)]
    named = (TEXTS["coded"].format(budgets=", ".join(coded)),) if coded else ()
    return (*_of_log(advice), *named)


def _of_log(advice: Advice) -> Iterator[str]:
    """Yield what stands against judging anything by the log."""
    log = advice.log
    if log.drops_reads:
        yield TEXTS["drops_reads"].format(kind=log.drops_reads)
    elif not log.covered_s:
        yield TEXTS["untimed"]
    if log.cut_short:
        yield TEXTS["cut_short"].format(files=", ".join(log.cut_short))


def _names_what_is_coded(budget: Budget, advice: Advice) -> bool:
    """Tell whether a budget is for names that the advice has codes for."""
    user, resource = budget.client, budget.resource
    return advice.anonymous and not (
        (user in (ANY, *COMPONENTS) or user.startswith("client-"))
        and (resource == ANY or resource.startswith("resource-") or is_known(resource))
    )


def _spent(budget: Budget, advice: Advice, *, void: bool) -> Spent:
    asked: dict[str, int] = {}
    for one in advice.clients:
        if fnmatchcase(one.user, budget.client) and fnmatchcase(one.resource, budget.resource):
            counts = {"list": one.lists, "get": one.gets, "watch": one.watches}
            own = counts.get(budget.verb, sum(counts.values()))
            asked[one.user] = asked.get(one.user, 0) + own
    value = float(sum(asked.values()))
    if budget.per == "hour" and advice.log.covered_s:
        value *= HOUR_S / advice.log.covered_s
    outcome = Outcome.PASS if value <= budget.at_most else Outcome.FAIL
    if void or _names_what_is_coded(budget, advice):
        outcome = Outcome.INVALID
    return Spent(budget, value, outcome, max(asked, key=asked.__getitem__, default=""))


def outcome_of(spent: tuple[Spent, ...]) -> Outcome:
    """Return the gravest outcome of all."""
    found = {one.outcome for one in spent}
    return next(outcome for outcome in GRAVEST_FIRST if outcome in found)


def budgets_document(budgets: Budgets, spent: tuple[Spent, ...], advice: Advice) -> Document:
    """Return the verdict as a document."""
    outcome = outcome_of(spent)
    broken = sum(one.outcome is not Outcome.PASS for one in spent)
    lines = (
        rule_line(
            one.budget.name,
            Cell(str(one.outcome), tone=TONES[one.outcome]),
            shown(one.value, EXACT),
            shown(one.budget.at_most, EXACT),
            TEXTS[one.budget.per],
            one.busiest or TEXTS["nobody"],
        )
        for one in spent
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
