"""A run of several replicas with several workers each: every process is in every figure."""

import pytest

from bench.analysis import RunAnalysis, RunData, analyse, read_run
from bench.cluster.binaries import Binaries
from bench.model import Outcome
from bench.store import Store
from tests.integration.run.bench_process import TINY, BenchProcess, folders

MANY = "replicas = 2\nworkers = 2\nrate_rps = 10\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, binaries: Binaries) -> RunData:
    folder = tmp_path_factory.mktemp("group")
    (folder / "group.toml").write_text(TINY.replace("users = 2\n", "users = 20\n") + MANY)
    process = BenchProcess(folder, ("run", str(folder / "group.toml"), *folders(folder)), binaries)
    process.ends(0)
    return read_run(Store(process.results).open("latest"))


@pytest.fixture(scope="module")
def analysis(run: RunData) -> RunAnalysis:
    return analyse(run)


def test_the_three_ledgers_agree_over_all_processes(run: RunData) -> None:
    assert 3 == len(run.data)
    for one in run.data:
        assert Outcome.OK is one.record.outcome
        assert one.ledgers.agree, one.ledgers.disagreements
        assert () == one.ledgers.missing
    (direct,) = [one for one in run.data if one.trial.server == "direct"]
    assert direct.ledgers.client is not None
    assert direct.record.sent <= direct.ledgers.client.total()


def test_each_worker_of_each_replica_was_compared_and_filled_a_cache(
    run: RunData,
) -> None:
    records = {one.trial.server: one.record for one in run.data}
    assert (1, 1) == (records["none"].replicas, records["none"].workers)
    for name in ("direct", "informer"):
        assert (2, 2) == (records[name].replicas, records[name].workers)
        assert records[name].equal_to_list
    assert 8 == records["informer"].ready_requests, "a list and a watch for each worker"
    first_s, last_s = records["informer"].ready_first_s, records["informer"].ready_s
    assert first_s is not None
    assert last_s is not None
    assert 0 < first_s <= last_s


def test_the_cost_model_counts_every_cache(analysis: RunAnalysis) -> None:
    (model,) = [one for one in analysis.cost_models if one.quantity == "api_bytes"]
    assert (4.0, 4.0) == model.ranges.replicas
