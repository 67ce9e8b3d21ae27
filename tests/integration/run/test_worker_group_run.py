"""A run of several replicas with several workers each: every process is in every figure."""

import pytest

from bench.analysis.run import RunAnalysis, analyse
from bench.cluster.binaries import Binaries
from bench.model import Outcome
from bench.store import Store
from tests.integration.run.bench_process import TINY, BenchProcess, folders

MANY = "replicas = 2\nworkers = 2\nrate_rps = 10\n"


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory, binaries: Binaries) -> RunAnalysis:
    folder = tmp_path_factory.mktemp("group")
    (folder / "group.toml").write_text(TINY.replace("users = 2\n", "users = 20\n") + MANY)
    process = BenchProcess(folder, ("run", str(folder / "group.toml"), *folders(folder)), binaries)
    assert 0 == process.wait(), process.text
    assert [] == process.left_behind()
    return analyse(Store(process.results).open("latest"))


def test_the_three_ledgers_agree_over_all_processes(analysis: RunAnalysis) -> None:
    assert 3 == len(analysis.facts)
    for facts in analysis.facts:
        assert Outcome.OK is facts.record.outcome
        assert facts.ledgers.agree, facts.ledgers.disagreements
        assert () == facts.ledgers.missing
    (direct,) = [facts for facts in analysis.facts if facts.record.trial.server == "direct"]
    assert direct.ledgers.client is not None
    assert direct.record.sent <= direct.ledgers.client.total()


def test_each_worker_of_each_replica_was_compared_and_started_a_watch(
    analysis: RunAnalysis,
) -> None:
    records = {facts.record.trial.server: facts.record for facts in analysis.facts}
    assert (1, 1) == (records["none"].replicas, records["none"].workers)
    for name in ("direct", "informer"):
        assert (2, 2) == (records[name].replicas, records[name].workers)
        assert records[name].equal_to_list
    assert 4 == records["informer"].ready_requests, "one watch, which lists, for each worker"
    first_s, last_s = records["informer"].ready_first_s, records["informer"].ready_s
    assert first_s is not None
    assert last_s is not None
    assert 0 < first_s <= last_s


def test_the_cost_model_counts_every_cache(analysis: RunAnalysis) -> None:
    from bench.analysis.costfit import cost_model
    from bench.analysis.costmodel import CostModel
    from bench.analysis.costrows import QUANTITIES

    (by_bytes,) = [one for one in QUANTITIES if one.key == "api_bytes"]
    model = cost_model(analysis.record.plan, analysis.facts, by_bytes)
    assert isinstance(model, CostModel)
    assert (4.0, 4.0) == model.ranges.replicas
