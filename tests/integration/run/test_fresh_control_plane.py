"""A scenario whose trials have a control plane each, on the real things."""

from bench.analysis import analyse
from bench.store import Store
from tests.integration.run.conftest import StartBench


def test_each_trial_has_its_own_and_tells_the_most_that_it_held(start_run: StartBench) -> None:
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
    held = {arm.server: arm.figure(key).rounds for arm in scenario.arms}
    of_arm = {record.trial.server: record.apiserver_rss_highest_bytes for record in run.trials()}
    assert {1: of_arm["none"]} == held["none"]
    assert {1: of_arm["direct"] - of_arm["none"]} == held["direct"], "what it is above the floor"
