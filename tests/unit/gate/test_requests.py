"""Rules on the requests of an account: a budget for a client, or for a server."""

from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

import bench
from bench.analysis.request_bill import Phase, RequestLine
from bench.gate.judge import Outcome, judge
from bench.gate.rules import RulesError, parse_rules
from tests.unit.gate.summaries import a_summary

RULES = """\
name = "budget"
description = "Secrets are listed once."
looks = [3]

[[rules]]
name = "lists secrets once"
scenario = "steady"
arm = "mine"
of = "requests"
metric = "start"
verb = "list"
resource = "secrets"
at_most = 1
"""
LISTS = RequestLine(Phase.START, "list", "secrets", "cluster", "0", 200, {1: 1, 2: 1, 3: 1})
OTHERS = (
    RequestLine(Phase.START, "watch", "secrets", "cluster", "0", 200, {1: 5, 2: 5, 3: 5}),
    RequestLine(Phase.START, "list", "pods", "cluster", "0", 200, {1: 5, 2: 5, 3: 5}),
    RequestLine(Phase.WINDOW, "list", "secrets", "cluster", "0", 200, {1: 5, 2: 5, 3: 5}),
)


EVERY = (1, 2, 3)


def judged(text, *lines, start=EVERY, window=EVERY):
    run = a_summary({"mine": {"memory_end": [1.0, 1.1, 1.2]}})
    (scenario,) = run.scenarios
    (arm,) = scenario.arms
    billed = {Phase.START: start, Phase.WINDOW: window}
    arms = (replace(arm, requests=(*lines, *OTHERS), billed=billed),)
    run = replace(run, scenarios=(replace(scenario, arms=arms),))
    (row,) = judge(parse_rules(text, "mine.toml"), run).rows
    return row


def outcome(text, *lines):
    row = judged(text, *lines)
    assert row.outcome is not Outcome.INVALID, row.why
    return row.outcome


def test_a_budget_holds_where_every_round_keeps_it():
    assert Outcome.PASS is outcome(RULES, LISTS)


def test_what_was_never_asked_is_within_any_budget():
    assert Outcome.PASS is outcome(RULES.replace("at_most = 1", "at_most = 0"))


@pytest.mark.parametrize(
    ("phase", "rounds", "reason"),
    [
        ("start", (), "the start of mine is not billed in round 1, 2, 3"),
        ("window", (1, 2), "the window of mine is not billed in round 3"),
    ],
)
def test_what_was_not_billed_keeps_no_budget(phase, rounds, reason):
    row = judged(RULES.replace('"start"', f'"{phase}"'), **{phase: rounds})
    assert Outcome.INVALID is row.outcome
    assert reason in row.why


def test_the_budget_of_the_documentation_is_one():
    page = (Path(bench.__file__).parents[1] / "docs" / "meter.md").read_text()
    block = page.partition("## Budgets\n\n")[2].partition("\n\n`")[0]
    (rule,) = parse_rules(dedent(block), "budgets.toml").rules
    assert ("start", "list", "secrets", 1) == (rule.metric, rule.verb, rule.resource, rule.at_most)


@pytest.mark.parametrize(
    "version", ["0", "unset*", "*, limit 500", "0, limit 250", "*limit*", "continue, limit *"]
)
def test_a_version_may_be_a_pattern(version):
    text = RULES.replace('"list"', f'"l*"\nversion = "{version}"')
    (rule,) = parse_rules(text, "mine.toml").rules
    assert ("l*", version) == (rule.verb, rule.version)


def test_says_where_no_request_of_the_run_fits():
    none, some = (judged(RULES.replace('"secrets"', f'"{name}"')) for name in ("podz", "pods"))
    assert Outcome.PASS is none.outcome
    assert "no request of any arm of this run fits" in none.why
    assert "fits" not in some.why


def test_one_more_in_each_round_breaks_a_budget():
    assert Outcome.FAIL is outcome(RULES, replace(LISTS, rounds={1: 2, 2: 2, 3: 2}))


def test_a_budget_that_one_round_breaks_is_undecided():
    assert Outcome.INCONCLUSIVE is outcome(RULES, replace(LISTS, rounds={1: 1, 2: 1, 3: 2}))


def test_a_pattern_stands_for_several_kinds_of_request():
    every = RULES.replace('verb = "list"\n', "").replace('"secrets"', '"*"')
    assert Outcome.PASS is outcome(every.replace("at_most = 1", "at_most = 11"), LISTS)
    assert Outcome.FAIL is outcome(every.replace("at_most = 1", "at_most = 10"), LISTS)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('metric = "start"', 'metric = "begin"', "there are start, window"),
        ('of = "requests"\n', "", "there is no metric 'start'"),
        (
            '"list"',
            '"lst"',
            "mine.toml:11: there is no verb 'lst' (the nearest is 'list'); there are",
        ),
        (
            '"list"',
            '"list"\nversion = "nmber"',
            "mine.toml:12: there is no version 'nmber' (the near",
        ),
        ("at_most = 1", "at_most = -1", "mine.toml:13: 'at_most' counts requests here"),
        ("at_most = 1", "at_least = -1", "mine.toml:13: 'at_least' counts requests here"),
        ('of = "requests"\nmetric = "start"', 'metric = "ready"', "'verb' belongs to a rule with"),
    ],
)
def test_a_budget_that_cannot_be_judged_is_told_with_its_line(before, after, message):
    with pytest.raises(RulesError) as error:
        parse_rules(RULES.replace(before, after), "mine.toml")
    assert message in str(error.value)
