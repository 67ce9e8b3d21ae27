"""A scenario whose trials have a control plane each, on real ones."""

from bench.analysis import analyse
from bench.store import Store
from tests.integration.run.conftest import StartBench


def test_each_trial_has_its_own_control_plane_and_peak_memory(start_run: StartBench) -> None:
    finished = start_run(
        ('"direct", "informer", "none"', '"direct", "none"'),
        ("[[scenarios]]", "[[scenarios]]\nfresh_control_plane = true\nprobe = false"),
    )
    finished.ends(0)
    assert 2 == finished.text.count("starting etcd and kube-apiserver")
    assert 1 == finished.text.count("answered alike"), "once for so many pods"
    run = Store(finished.results).open("latest")
    for record in run.trials():
        assert (record.apiserver_rss_highest_bytes or 0) > 100_000_000
        assert (record.etcd_rss_highest_bytes or 0) > 10_000_000
    (scenario,) = analyse(run).scenarios
    key = "apiserver_memory_highest"
    peaks = {arm.server: arm.figure(key).rounds for arm in scenario.arms}
    of_arm = {record.trial.server: record.apiserver_rss_highest_bytes for record in run.trials()}
    assert {1: of_arm["none"]} == peaks["none"]
    assert {1: of_arm["direct"] - of_arm["none"]} == peaks["direct"], "what it is above the floor"
