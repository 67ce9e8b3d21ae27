"""What a report says of a run that has a base, and of one that has nothing else."""

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


def test_each_server_is_compared_with_the_same_one_of_the_base(made):
    (scenario,) = made(**RUN)[1].scenarios
    found = {(one.subject, one.baseline) for one in scenario.base}
    assert {("direct", "direct@base"), ("informer", "informer@base")} == found
    (memory,) = [
        one
        for one in scenario.base
        if (one.subject, one.metric) == ("informer", "memory_end") and not one.per_1000
    ]
    assert (Direction.MORE, 1.5) == (memory.direction, round(memory.times.value, 6))


def test_servers_of_the_base_are_no_contenders(made):
    (scenario,) = made(**RUN)[1].scenarios
    assert ["direct", "informer"] == [arm.server for arm in scenario.contenders]
    assert {"direct"} == {one.baseline for one in scenario.comparisons}


def test_page_and_terminal_say_what_is_worse_than_in_the_base(made):
    document = run_document(made(**RUN)[1])
    said = text_of(document)
    assert "The base is commit 89abcde, measured in the same rounds." in said
    assert "list, against the base: " in said
    assert "50% more" in said
    assert "This checkout against the base" in on_terminal(document)


def test_a_run_of_one_server_and_its_base_is_about_these(made):
    analysis = made(servers=("informer", "informer@base"), rounds=6)[1]
    assert run_document(analysis).headline.text.startswith("list, against the base: 0 of ")


def test_trends_hold_what_is_better_when_it_is_less_and_nothing_of_the_base(made):
    entries = json.loads(to_trend(made(**RUN)[1]))
    assert {"name", "unit", "value", "range"} == set(entries[0])
    names = {one["name"] for one in entries}
    assert {"list, informer: memory_end", "list, informer: api_requests/1000"} < names
    assert not [name for name in names if "@base" in name or "throughput" in name]


def test_trends_hold_nothing_of_a_void_run(made):
    assert [] == json.loads(to_trend(made(rounds=6, equality=False)[1]))
