"""Each caveat appears if, and only if, its condition holds."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest

from bench.analysis import analyse
from bench.model import NO_SERVER, Caveat, CaveatKind, MachineUse, Outcome, RunState
from bench.store import Store
from bench.store.tables import AUDIT, SCRAPES, write_table
from tests.unit.analysis.synthetic import SCENARIO

PLENTY = replace(SCENARIO, rate_rps=30.0)
CLEAN = {"rounds": 6, "scenarios": (PLENTY,), "servers": ("direct", NO_SERVER)}


@pytest.fixture
def clean(made, tmp_path):
    """A copy of the clean run, to be changed."""
    data, _ = made(**CLEAN)
    shutil.copytree(data.reader.folder, tmp_path / data.record.run)
    return Store(tmp_path).open(data.record.run)


def kinds(analysis):
    return {caveat.kind for caveat in analysis.caveats}


def told_otherwise(made, **changes):
    """Analyse the clean run again, with these fields in the record of each of its servers."""
    data, _ = made(**CLEAN)

    def changed(record):
        return record if record.trial.server == NO_SERVER else replace(record, **changes)

    every = tuple(replace(data, record=changed(data.record)) for data in data.every)
    return analyse(replace(data, trials=tuple(map(changed, data.trials)), every=every, data=every))


def test_a_clean_run_of_six_rounds_has_none(made):
    assert set() == kinds(made(**CLEAN)[1])


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"rounds": 5}, CaveatKind.TOO_FEW_ROUNDS),
        ({"scenarios": (replace(SCENARIO, rate_rps=10.0),)}, CaveatKind.TOO_FEW_SAMPLES),
        ({"equality": None}, CaveatKind.ANSWERS_UNCHECKED),
        ({"equality": False}, CaveatKind.ANSWERS_DIFFER),
        ({"state": RunState.INCOMPLETE}, CaveatKind.RUN_INCOMPLETE),
        ({"state": RunState.RUNNING}, CaveatKind.RUN_INCOMPLETE),
        ({"rounds": 7, "skip": [("direct", 6)]}, CaveatKind.RUN_INCOMPLETE),
        ({"unanswered": {"direct": {"failed": 1}}}, CaveatKind.FAILED_REQUESTS),
        ({"unanswered": {"direct": {"dropped": 1}}}, CaveatKind.DROPPED_ARRIVALS),
        ({"late_ms": 35.0}, CaveatKind.GENERATOR_LATE),
        ({"upstream": {"direct": 3.0}}, CaveatKind.LEDGERS_DISAGREE),
        ({"tables": ("requests", "scrapes", "samples")}, CaveatKind.LEDGER_MISSING),
        ({"outcome": Outcome.FAILED}, CaveatKind.TRIAL_FAILED),
        ({"stale": {"direct": 1}}, CaveatKind.STALE_ANSWERS),
        ({"control": "direct", "again": 1.3}, CaveatKind.CONTROL_FIRED),
        ({"replicas": 2, "watches_before": {}}, CaveatKind.REPLICAS_NOT_AS_PLANNED),
    ],
)
def test_each_flaw_is_told_and_nothing_else(made, change, kind):
    assert {kind} == kinds(made(**(CLEAN | change))[1])


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"equal_to_list": None}, CaveatKind.ANSWERS_UNCHECKED),
        ({"equal_to_list": False}, CaveatKind.ANSWERS_DIFFER),
        ({"generator_cpu_share": 0.95}, CaveatKind.GENERATOR_SATURATED),
        ({"machine": MachineUse(0.97, 0.0, waited=0.9)}, CaveatKind.MACHINE_SATURATED),
        ({"machine": MachineUse(0.5, 0.0, 0.1, throttled=0.2)}, CaveatKind.MACHINE_SATURATED),
        ({"machine": MachineUse(0.5, 0.1, waited=0.1)}, CaveatKind.NOISY_MACHINE),
        ({"machine": MachineUse(0.5, 0.0)}, CaveatKind.METRIC_MISSING),
        ({"achieved_rps": 27.0}, CaveatKind.RATE_NOT_REACHED),
        ({"churn_achieved_per_s": 1.0}, CaveatKind.CHURN_NOT_REACHED),
        ({"probe_rps": 301.0}, CaveatKind.OBSERVER_EFFECT),
    ],
)
def test_each_flaw_that_a_trials_record_tells_is_told_and_nothing_else(made, change, kind):
    assert {kind} == kinds(told_otherwise(made, **change))


def test_a_machine_with_time_left_and_a_generator_that_is_in_time_enough_say_nothing(made):
    use = MachineUse(0.9, 0.01, waited=0.6, throttled=0.0)
    assert set() == kinds(made(**(CLEAN | {"machine": use, "late_ms": 33.0}))[1])


def test_at_full_speed_a_machine_is_meant_to_have_nothing_left(made):
    full = replace(SCENARIO, rate_rps=None)
    change = {"scenarios": (full,), "machine": MachineUse(1.0, 0.0, waited=1.0), "late_ms": 90.0}
    assert set() == kinds(made(**(CLEAN | change))[1])


def test_a_late_generator_voids_the_run_and_says_how_late(made):
    (void,) = made(servers=("direct",), rounds=1, late_ms=196.0)[1].void
    assert CaveatKind.GENERATOR_LATE is void.kind
    assert "10% of the requests were sent more than 20 ms after their time" in void.text
    assert "the latest 196 ms" in void.text


def test_a_disagreement_names_the_ledgers_and_their_figures(made):
    analysis = made(upstream={"direct": 3.0}, rounds=1)[1]
    text = next(
        caveat.text for caveat in analysis.caveats if caveat.kind is CaveatKind.LEDGERS_DISAGREE
    )
    assert "list pods 200: the server's own count 400, audit log 1,200" == text


def test_what_voids_a_run_is_kept_apart(made):
    void = made(upstream={"direct": 3.0}, rounds=1)[1].void
    assert {CaveatKind.LEDGERS_DISAGREE} == {caveat.kind for caveat in void}


def test_a_recorded_caveat_is_not_told_twice(made):
    recorded = Caveat(CaveatKind.FAILED_REQUESTS, "one request met a closed connection")
    analysis = made(unanswered={"direct": {"failed": 1}}, caveats=(recorded,), rounds=1)[1]
    texts = [
        caveat.text
        for caveat in analysis.caveats
        if caveat.kind is CaveatKind.FAILED_REQUESTS and caveat.server == "direct"
    ]
    assert [recorded.text] == texts


def test_a_trials_own_caveat_says_where_it_holds(made):
    recorded = Caveat(CaveatKind.NOT_DRAINED, "3 requests were in flight at the end mark")
    analysis = made(servers=("direct",), rounds=1, caveats=(recorded,))[1]
    reported = next(caveat for caveat in analysis.caveats if caveat.kind is CaveatKind.NOT_DRAINED)
    assert ("list", "direct", 0) == (reported.scenario, reported.server, reported.round)


def test_the_floor_needs_no_comparison_of_answers(made):
    caveats = made(equal_to_list=None, rounds=1)[1].caveats
    servers = {caveat.server for caveat in caveats if caveat.kind is CaveatKind.ANSWERS_UNCHECKED}
    assert NO_SERVER not in servers


def test_a_control_that_finds_nothing_says_nothing(made):
    assert set() == kinds(made(**(CLEAN | {"control": "direct"}))[1])


def test_a_control_that_fired_is_said_before_everything_else(made):
    flaws = {"control": "direct", "again": 1.3, "equality": False, "state": RunState.INCOMPLETE}
    void = made(**(CLEAN | flaws))[1].void
    assert [
        CaveatKind.CONTROL_FIRED,
        CaveatKind.ANSWERS_DIFFER,
        CaveatKind.RUN_INCOMPLETE,
    ] == [caveat.kind for caveat in void]
    assert "differs from itself in latency p50, from the actual send: 1.3" in void[0].text


def test_a_control_of_a_single_round_is_undecided_and_said_so(made):
    analysis = made(**(CLEAN | {"control": "direct", "rounds": 1}))[1]
    assert not analysis.scenarios[0].controls[0].fired
    texts = {caveat.server: caveat.text for caveat in analysis.caveats if caveat.round is None}
    assert "was not shown to equal itself" in texts["direct-again"]


def test_staleness_is_the_property_of_a_cache_and_the_flaw_of_direct(made):
    servers = ("direct", "direct-rv0", "informer", NO_SERVER)
    assert set() == kinds(made(**(CLEAN | {"servers": servers}))[1])


def test_a_write_that_never_shows_is_told_of_any_server(made):
    servers = ("direct", "informer", NO_SERVER)
    changes = {"servers": servers, "stale": {"informer": 3}}
    caveats = made(**(CLEAN | changes))[1].caveats
    assert {"3 of 20 writes were never seen in an answer"} == {caveat.text for caveat in caveats}
    assert {("informer", number) for number in range(6)} == {
        (caveat.server, caveat.round) for caveat in caveats
    }


def scrapes_changed(reader, change):
    """Analyse with ``change`` in every trial's scrapes, as another version would have had them."""
    for path in reader.folder.glob("trials/*/scrapes.parquet"):
        write_table(path.parent, SCRAPES, change(pd.read_parquet(path)).to_dict("list"))
    return analyse(reader)


def without(name):
    return lambda scrapes: scrapes[scrapes["name"] != name]


def test_a_metric_that_this_version_lacks_is_told_once_and_is_not_zero(clean):
    analysis = scrapes_changed(clean, without("etcd_mvcc_range_total"))
    assert [CaveatKind.METRIC_MISSING] == [caveat.kind for caveat in analysis.caveats]
    assert "Range reads in etcd (etcd_mvcc_range_total)" in analysis.caveats[0].text
    assert analysis.caveats[0].server is None
    assert analysis.scenarios[0].arms[0].figure("etcd_ranges").value is None


def test_a_metric_that_some_trials_lack_is_told_of_those(clean):
    path = next(clean.folder.glob("trials/*-direct-r3/scrapes.parquet"))
    scrapes = pd.read_parquet(path)
    others = scrapes[scrapes["name"] != "etcd_mvcc_range_total"]
    write_table(path.parent, SCRAPES, others.to_dict("list"))
    caveats = analyse(clean).caveats
    assert [("direct", 3)] == [(caveat.server, caveat.round) for caveat in caveats]


def test_etcd_that_cannot_be_scraped_is_told_with_what_that_leaves_out(clean):
    caveats = scrapes_changed(clean, lambda scrapes: scrapes[scrapes["source"] != "etcd"]).caveats
    assert [CaveatKind.METRIC_MISSING] == [caveat.kind for caveat in caveats]
    assert "etcd was not scraped at both marks" in caveats[0].text


def test_metrics_that_were_refused_cost_their_ledger_and_their_figures(clean):
    analysis = scrapes_changed(clean, lambda scrapes: scrapes[scrapes["source"] != "apiserver"])
    assert {CaveatKind.METRIC_MISSING, CaveatKind.LEDGER_MISSING} == kinds(analysis)
    assert analysis.scenarios[0].arms[0].figure("api_bytes").value is None
    # the audit log still counts
    assert 1000.0 == analysis.scenarios[0].arms[0].figure("api_requests", per_1000=True).value


def restarted(scrapes):
    starts = [
        {
            "mark": mark,
            "source": "apiserver",
            "name": "process_start_time_seconds",
            "labels": "",
            "value": value,
        }
        for mark, value in (("begin", 1_000.0), ("end", 2_000.0))
    ]
    return pd.concat([scrapes, pd.DataFrame(starts)])


def fallen(scrapes):
    """Counters of a process that restarted and does not expose its start time."""
    ended = (scrapes["source"] == "apiserver") & (scrapes["mark"] == "end")
    return scrapes.assign(value=scrapes["value"].where(~ended, scrapes["value"] - 100))


@pytest.mark.parametrize("change", [restarted, fallen])
def test_an_api_server_that_restarted_is_told_and_no_figure_rests_on_its_counters(clean, change):
    analysis = scrapes_changed(clean, change)
    assert {CaveatKind.API_SERVER_RESTARTED, CaveatKind.LEDGER_MISSING} == kinds(analysis)
    direct = analysis.scenarios[0].arms[0]
    for key in ("api_bytes", "api_allocations", "etcd_requests", "objects_listed", "apiserver_cpu"):
        assert direct.figure(key).value is None
    assert direct.figure("etcd_ranges").value is not None


def test_an_observer_that_did_more_than_the_audit_log_holds_is_told(clean):
    path = next(clean.folder.glob("trials/*-direct-r3/audit.parquet"))
    audit = pd.read_parquet(path)
    patched = audit["user"].str.endswith(":probe")
    # one line of the probe went to somebody else, so that the totals still agree
    audit.loc[audit.index[patched][0], "user"] = "system:serviceaccount:informer-bench:harness"
    write_table(path.parent, AUDIT, audit.to_dict("list"))
    caveats = analyse(clean).caveats
    assert [(CaveatKind.LEDGERS_DISAGREE, "direct", 3)] == [
        (caveat.kind, caveat.server, caveat.round) for caveat in caveats
    ]
    assert "probe: did 20 by its own rows, audit log 19" == caveats[0].text


def test_a_run_whose_answers_were_never_compared_is_void(made):
    assert [CaveatKind.ANSWERS_UNCHECKED] == [
        caveat.kind for caveat in made(**(CLEAN | {"equality": None}))[1].void
    ]


def test_a_trial_that_was_not_compared_with_a_list_voids_nothing(made):
    assert () == made(**(CLEAN | {"equal_to_list": None}))[1].void
