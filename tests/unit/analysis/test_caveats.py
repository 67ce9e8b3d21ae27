"""Caveats appear when, and only when, they should."""

from dataclasses import replace

import pytest

from bench.analysis import analyse
from bench.model import NO_SERVER, Caveat, CaveatKind, Outcome, RunState
from bench.store import Store
from tests.unit.analysis.synthetic import SCENARIO, write_run

PLENTY = replace(SCENARIO, rate_rps=200.0)
CLEAN = {"rounds": 6, "scenarios": (PLENTY,), "servers": ("direct", NO_SERVER)}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def kinds(reader):
    return {caveat.kind for caveat in analyse(reader).caveats}


def test_a_clean_run_of_six_rounds_has_none(store):
    assert set() == kinds(write_run(store, **CLEAN))


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"rounds": 5}, CaveatKind.TOO_FEW_ROUNDS),
        ({"scenarios": (replace(SCENARIO, rate_rps=10.0),)}, CaveatKind.TOO_FEW_SAMPLES),
        ({"equality": None}, CaveatKind.ANSWERS_UNCHECKED),
        ({"equal_to_list": None}, CaveatKind.ANSWERS_UNCHECKED),
        ({"equality": False}, CaveatKind.ANSWERS_DIFFER),
        ({"equal_to_list": False}, CaveatKind.ANSWERS_DIFFER),
        ({"state": RunState.INCOMPLETE}, CaveatKind.RUN_INCOMPLETE),
        ({"state": RunState.RUNNING}, CaveatKind.RUN_INCOMPLETE),
        ({"rounds": 7, "skip": [("direct", 6)]}, CaveatKind.RUN_INCOMPLETE),
        ({"unanswered": {"direct": {"failed": 1}}}, CaveatKind.FAILED_REQUESTS),
        ({"unanswered": {"direct": {"dropped": 1}}}, CaveatKind.DROPPED_ARRIVALS),
        ({"generator_cpu_share": 0.95}, CaveatKind.GENERATOR_SATURATED),
        ({"achieved_rps": 180.0}, CaveatKind.RATE_NOT_REACHED),
        ({"churn_achieved_per_s": 1.0}, CaveatKind.CHURN_NOT_REACHED),
        ({"upstream": {"direct": 3.0}}, CaveatKind.LEDGERS_DISAGREE),
        ({"tables": ("requests", "scrapes")}, CaveatKind.LEDGER_MISSING),
        ({"outcome": Outcome.FAILED}, CaveatKind.TRIAL_FAILED),
    ],
)
def test_each_flaw_is_told_and_nothing_else(store, change, kind):
    found = kinds(write_run(store, **(CLEAN | change)))
    assert {kind} == found


def test_a_disagreement_names_the_ledgers_and_their_figures(store):
    analysis = analyse(write_run(store, upstream={"direct": 3.0}, rounds=1))
    text = next(one.text for one in analysis.caveats if one.kind is CaveatKind.LEDGERS_DISAGREE)
    assert "list pods 200: the server's own count 400, audit log 1,200" == text


def test_what_voids_a_run_is_kept_apart(store):
    voids = analyse(write_run(store, upstream={"direct": 3.0}, rounds=1)).voids
    assert {CaveatKind.LEDGERS_DISAGREE} == {caveat.kind for caveat in voids}


def test_a_recorded_caveat_is_not_told_twice(store):
    said = Caveat(CaveatKind.FAILED_REQUESTS, "one request met a closed connection")
    reader = write_run(store, unanswered={"direct": {"failed": 1}}, caveats=(said,), rounds=1)
    found = [
        one.text
        for one in analyse(reader).caveats
        if one.kind is CaveatKind.FAILED_REQUESTS and one.server == "direct"
    ]
    assert [said.text] == found


def test_a_trials_own_caveat_says_where_it_holds(store):
    said = Caveat(CaveatKind.NOT_DRAINED, "3 requests were in flight at the end mark")
    reader = write_run(store, servers=("direct",), rounds=1, caveats=(said,))
    found = next(one for one in analyse(reader).caveats if one.kind is CaveatKind.NOT_DRAINED)
    assert ("list", "direct", 0) == (found.scenario, found.server, found.round)


def test_the_floor_needs_no_comparison_of_answers(store):
    found = analyse(write_run(store, equal_to_list=None, rounds=1)).caveats
    servers = {one.server for one in found if one.kind is CaveatKind.ANSWERS_UNCHECKED}
    assert NO_SERVER not in servers
