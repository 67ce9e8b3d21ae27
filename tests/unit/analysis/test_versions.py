"""One scenario on several versions: the comparisons, and metrics that a version lacks."""

from dataclasses import replace

import pandas as pd
import pytest

from bench.analysis import analyse, read_run
from bench.analysis.cost_fit import cost_model
from bench.analysis.frame import frame_of
from bench.analysis.side_by_side import version_sets
from bench.metrics import BY_KEY
from bench.model import CaveatKind, RunState
from bench.store import Store
from bench.store.tables import SCRAPES, write_table
from tests.unit.analysis.synthetic import SCENARIO, Arm, Made, write_run, write_trial
from tests.unit.store.builders import a_plan, a_run

NEW = replace(SCENARIO, name="on-new", kubernetes="1.37")
OLD = replace(SCENARIO, name="on-old", kubernetes="1.9")
MIDDLE = replace(SCENARIO, name="on-middle", kubernetes="1.33")
VERSIONS = {"on-new": "1.37.2", "on-middle": "1.33.13", "on-old": "1.9.10"}
SERVERS = ("direct", "informer", "none")
DEAR = {"direct": Arm(1.0, 60.0, 600.0, bytes_per_read=400_000, bystander_ms=6.0)}


def write_versions(store, scenarios=(NEW, OLD), rounds=3):
    """Write a run on two versions, the older of which costs direct twice the CPU."""
    plan = a_plan(servers=SERVERS, rounds=rounds, scenarios=scenarios)
    planned = len(scenarios) * len(SERVERS) * rounds
    record = a_run(plan=plan, state=RunState.COMPLETE, trials_planned=planned)
    made = Made(store.create(record), record)
    for number in range(rounds):
        for scenario in scenarios:
            for server in SERVERS:
                version = VERSIONS.get(scenario.name, scenario.kubernetes)
                arms = DEAR if version == "1.9.10" else {}
                write_trial(made, server, number, scenario, arms=arms, kubernetes=version)
    return store.open(record.run)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return read_run(write_versions(Store(tmp_path_factory.mktemp("runs"))))


@pytest.fixture(scope="module")
def analysis(data):
    return analyse(data)


@pytest.fixture
def versions(analysis):
    (versions_set,) = analysis.versions
    return versions_set


def test_versions_are_named_as_the_servers_called_themselves_the_oldest_first(versions):
    assert ("1.9.10", "1.37.2") == versions.versions
    assert ("on-old", "on-new") == versions.scenarios


def test_the_newest_is_held_against_the_oldest_round_by_round(versions):
    cpu = versions.figure("direct", "control_plane_cpu")
    assert 2.0 == pytest.approx(cpu.values["1.9.10"] / cpu.values["1.37.2"], rel=0.1)
    assert cpu.times.low < 0.5 < cpu.times.high
    assert 3 == cpu.times.n


def test_a_run_of_one_version_has_nothing_to_compare(tmp_path):
    assert () == analyse(write_run(Store(tmp_path), rounds=1)).versions


def test_scenarios_that_differ_in_more_than_the_version_are_not_compared(data, analysis):
    changed = [
        replace(scenario, scenario=replace(scenario.scenario, pods=scenario.scenario.pods + index))
        for index, scenario in enumerate(analysis.scenarios)
    ]
    assert () == version_sets(frame_of(data.data), changed, data.trials)


def test_costs_at_full_speed_are_not_like_for_like(tmp_path):
    full = tuple(replace(scenario, rate_rps=None) for scenario in (NEW, OLD))
    (versions,) = analyse(write_versions(Store(tmp_path), full, rounds=2)).versions
    assert versions.figure("direct", "control_plane_cpu") is None
    assert versions.figure("direct", "throughput").times.value > 1


def test_a_metric_that_one_version_lacks_is_a_caveat_of_that_version_and_never_zero(tmp_path):
    reader = write_versions(Store(tmp_path), rounds=2)
    for path in reader.folder.glob("trials/*on-old*/scrapes.parquet"):
        scrapes = pd.read_parquet(path)
        others = scrapes[~scrapes["name"].str.startswith("apiserver_storage_list")]
        write_table(path.parent, SCRAPES, others.to_dict("list"))
    analysis = analyse(reader)
    missing = [caveat for caveat in analysis.caveats if caveat.kind is CaveatKind.METRIC_MISSING]
    assert ["(Kubernetes 1.9.10)"] == [
        caveat.text[-len("(Kubernetes 1.9.10)") :] for caveat in missing
    ]
    (versions,) = analysis.versions
    lists = versions.figure("direct", "lists_from_cache")
    assert lists.values["1.9.10"] is None
    assert lists.values["1.37.2"] is not None
    assert lists.times is None


def test_unit_costs_are_those_of_the_first_version_alone(data):
    for quantity in ("apiserver_cpu", "api_bytes"):
        model = cost_model(data.record.plan, frame_of(data.data), data.data, BY_KEY[quantity])
        assert {"on-new"} == {row.scenario for row in model.rows}
