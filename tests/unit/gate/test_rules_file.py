"""Rules files: what is valid, and what an error says."""

import pytest

from bench.gate.rules_file import RulesError, parse_rules, read_rules, rules_names

VALID = """\
name = "mine"
description = "What must hold."
looks = [6, 12]

[[rules]]
name = "reads are no slower"
scenario = "steady"
arm = "informer"
metric = "p50"
against = "baseline"
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
    assert rules.rules[0].needs_baseline
    assert 0.05 == rules.rules[1].at_most


@pytest.mark.parametrize("name", rules_names())
def test_the_rules_that_come_with_the_project_are_valid(name):
    assert name == read_rules(name).name


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"p50"', '"p5O"', "gate.toml:9: there is no metric 'p5O' (the nearest is 'p50')"),
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
        ("[[rules]]", "[rules]", "gate.toml: not valid TOML"),
    ],
)
def test_an_error_names_line_key_and_what_would_be_valid(old, new, said):
    assert said in error_of(VALID.replace(old, new))


def test_an_unknown_metric_lists_the_valid_ones():
    assert "there are api_requests, throughput, p50" in error_of(VALID.replace('"p50"', '"speed"'))


def test_a_file_without_rules_is_an_error():
    assert "needs at least one [[rules]] table" in error_of('name = "a"\ndescription = "b"\n')


def test_an_unknown_name_lists_those_there_are():
    with pytest.raises(RulesError, match="there are ci"):
        read_rules("ic")


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(RulesError, match=r"cannot read the rules /nowhere\.toml"):
        read_rules("/nowhere.toml")
