"""Rules files: valid contents, and error messages."""

import pytest

from bench.gate.rules import Of, RulesError, parse_rules, read_rules, rules_names

VALID = """\
name = "mine"
description = "What must hold."
looks = [6, 12]

[[rules]]
name = "reads are no slower"
scenario = "steady"
arm = "informer"
metric = "p50"
against = "base"
relative = 0.1
absolute = 0.5

[[rules]]
name = "the informer answers from its cache"
scenario = "steady"
arm = "informer"
metric = "api_requests"
per_1000 = true
against = "direct"
at_most = 0.05
"""


def error_of(text):
    with pytest.raises(RulesError) as caught:
        parse_rules(text, "gate.toml")
    return str(caught.value)


def test_a_valid_file_is_read():
    rules = parse_rules(VALID, "gate.toml")
    assert ((6, 12), 0.03, 2) == (rules.looks, rules.error_budget, len(rules.rules))
    assert rules.rules[0].needs_base
    assert 0.05 == rules.rules[1].at_most


def test_a_rule_against_the_base_may_be_about_every_server_and_scenario():
    named = 'scenario = "steady"\narm = "informer"\n'
    (rule, _) = parse_rules(VALID.replace(named, "", 1), "gate.toml").rules
    assert (None, None) == (rule.arm, rule.scenario)


@pytest.mark.parametrize("name", rules_names())
def test_the_rules_that_come_with_the_project_are_valid(name):
    assert name == read_rules(name).name


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"p50"', '"p5O"', "gate.toml:9: there is no metric 'p5O' (the nearest is 'p50')"),
        ('"p50"', '"speed"', "there are api_requests, throughput, p50"),
        ("relative", "relativ", "gate.toml:11: a rule has no key 'relativ' (the nearest is"),
        ("looks = [6, 12]", "looks = [12, 6]", "gate.toml:3: 'looks' takes a list of rounds"),
        ("looks = [6, 12]", "looks = [1]", "gate.toml:3: 'looks' takes a list of rounds from 2"),
        ("at_most = 0.05", "", "gate.toml:17: a rule needs a limit: 'at_most' or 'at_least'"),
        ("at_most = 0.05", "at_most = 1\nat_least = 1", "gate.toml:22: a rule has one limit"),
        ("at_most = 0.05", "at_most = -1", "gate.toml:21: 'at_most' is a factor here"),
        ("at_most = 0.05", "at_most = nan", "gate.toml:21: 'at_most' takes a number"),
        ('"direct"', '"informer"', "gate.toml:20: 'informer' cannot be compared with itself"),
        ("relative = 0.1", "per_1000 = true", "gate.toml:11: 'p50' is not stated per 1,000"),
        (
            "the informer answers from its cache",
            "reads are no slower",
            "gate.toml:15: two rules are called",
        ),
        ('arm = "informer"\nmetric = "api', 'metric = "api', "gate.toml:8: a rule needs 'arm'"),
        ("[[rules]]", "[rules]", "gate.toml: not valid TOML"),
    ],
)
def test_an_error_names_line_key_and_what_would_be_valid(old, new, message):
    assert message in error_of(VALID.replace(old, new))


def test_a_file_without_rules_is_an_error():
    assert "needs at least one [[rules]] table" in error_of('name = "a"\ndescription = "b"\n')


@pytest.mark.parametrize(
    ("name", "message"),
    [("ic", "there are ci"), ("/nowhere.toml", r"cannot read the rules /nowhere\.toml")],
)
def test_rules_that_are_not_there_are_named(name, message):
    with pytest.raises(RulesError, match=message):
        read_rules(name)


DERIVED = """\
name = "mine"
description = "What a read costs, and when an informer pays off."

[[rules]]
name = "an informer pays off from one read per second on"
of = "break-even"
metric = "apiserver_cpu"
arm = "direct"
at_most = 1.0

[[rules]]
name = "a read costs the API server no more"
of = "unit-cost"
metric = "apiserver_cpu"
arm = "direct"
per = "read"
at_most = 50.0

[[rules]]
name = "a further replica holds no more"
of = "per-replica"
metric = "memory_end"
arm = "informer"
at_most = 1e8
"""


def test_rules_may_be_about_unit_costs_break_even_and_further_replicas():
    rules = parse_rules(DERIVED, "gate.toml").rules
    assert [Of.BREAK_EVEN, Of.UNIT_COST, Of.PER_REPLICA] == [rule.of for rule in rules]
    assert [None] * 3 == [rule.scenario for rule in rules]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"break-even"', '"even"', "gate.toml:6: 'of' takes one of break-even, figure, per"),
        ("apiserver_cpu", "p50", "gate.toml:7: there is no break-even of 'p50'"),
        ("memory_end", "p50", "gate.toml:22: there is no per-replica of 'p50'"),
        ('arm = "direct"', 'arm = "direct"\nper = "read"', "gate.toml:9: a rule with of ="),
        ('per = "read"\n', "", 'gate.toml:11: a rule with of = "unit-cost", and no other'),
        ("at_most = 1.0", 'against = "base"', 'gate.toml:9: a rule with of = "break-even"'),
        ('of = "break-even"\n', "", "gate.toml:4: a rule needs 'scenario'"),
    ],
)
def test_an_error_in_such_a_rule_names_line_key_and_what_would_be_valid(old, new, message):
    assert message in error_of(DERIVED.replace(old, new, 1))
