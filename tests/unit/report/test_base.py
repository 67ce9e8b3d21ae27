"""Reports of runs with a base, and of a run of one server and its base alone."""

import json
from dataclasses import replace

from bench.analysis.result import Direction
from bench.report.content import run_document
from bench.report.data import to_trend
from tests.unit.analysis.synthetic import ARMS
from tests.unit.report.said import on_terminal, text_of

SLOW = replace(ARMS["informer"], latency_ms=4.0, memory_mb=90)
RUN = {
    "servers": ("direct", "informer", "direct@base", "informer@base", "none"),
    "rounds": 6,
    "arms": {"informer": SLOW, "informer@base": ARMS["informer"]},
}


def test_each_server_is_compared_with_itself_in_the_base(made):
    (scenario,) = made(**RUN)[1].scenarios
    pairs = {(comparison.subject, comparison.baseline) for comparison in scenario.base}
    assert {("direct", "direct@base"), ("informer", "informer@base")} == pairs
    memory_end = ("informer", "memory_end", False)
    (memory,) = [
        comparison
        for comparison in scenario.base
        if (comparison.subject, comparison.metric, comparison.per_1000) == memory_end
    ]
    assert (Direction.MORE, 1.5) == (memory.direction, round(memory.times.value, 6))


def test_servers_of_the_base_are_no_contenders(made):
    (scenario,) = made(**RUN)[1].scenarios
    assert ["direct", "informer"] == [arm.server for arm in scenario.contenders]
    assert {"direct"} == {comparison.baseline for comparison in scenario.comparisons}


def test_page_and_terminal_name_a_change_for_the_worse(made):
    document = run_document(made(**RUN)[1])
    text = text_of(document)
    assert "The base is commit 89abcde, measured in the same rounds." in text
    assert "list, against the base: " in text
    assert "50% more" in text
    assert "This checkout against the base" in on_terminal(document)


def test_a_run_of_one_server_and_its_base_is_about_these(made):
    analysis = made(servers=("informer", "informer@base"), rounds=6)[1]
    assert run_document(analysis).headline.text.startswith("list, against the base: 0 of ")


def test_trends_hold_figures_for_which_less_is_better_and_none_of_the_base(made):
    entries = json.loads(to_trend(made(**RUN)[1]))
    assert {"name", "unit", "value", "range"} == set(entries[0])
    names = {entry["name"] for entry in entries}
    assert {"list, informer: memory_end", "list, informer: api_requests/1000"} < names
    assert not [name for name in names if "@base" in name or "throughput" in name]


def test_trends_hold_nothing_of_a_void_run(made):
    assert [] == json.loads(to_trend(made(rounds=6, equality=False)[1]))
