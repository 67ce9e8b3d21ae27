"""Pods that are written into a real cluster and changed there."""

import json
import os
import signal
import statistics
import time

import pytest

from bench.cluster.api import ApiError
from bench.cluster.churn import Churn
from bench.cluster.control_plane import ControlPlane
from bench.cluster.pods import PodKey, draw_pods
from bench.cluster.population import populate
from bench.supervision.process import ProcessFailed
from bench.supervision.watchdog import Watchdog

PODS = 150
SEED = 11


@pytest.fixture(scope="module")
def plane(binaries, watchdog):
    with ControlPlane.start(binaries, watchdog) as started:
        yield started


@pytest.fixture(scope="module")
def calls() -> list[tuple[int, int]]:
    """Calls of ``progress`` while the population is written."""
    return []


@pytest.fixture(scope="module")
def population(plane: ControlPlane, calls: list[tuple[int, int]]) -> tuple[PodKey, ...]:
    pods = draw_pods(SEED, PODS)
    populate(plane.api("harness"), pods, progress=lambda *done: calls.append(done))
    return pods


@pytest.fixture(scope="module")
def churn(plane: ControlPlane, population, watchdog: Watchdog):
    """One writer for all tests, the last of which kills it."""
    log = plane.folder / "churn.log"
    with Churn.start(plane, watchdog, seed=SEED, pods=PODS, log=log) as started:
        yield started


def listed(plane: ControlPlane) -> list[dict]:
    return plane.api("harness").get("/api/v1/pods")["items"]


def test_every_drawn_pod_is_there_running_on_a_node(plane: ControlPlane, population) -> None:
    pods = {(pod["metadata"]["namespace"], pod["metadata"]["name"]): pod for pod in listed(plane)}
    assert {(pod.namespace, pod.name) for pod in population} == set(pods)
    assert {"Running"} == {pod["status"]["phase"] for pod in pods.values()}
    assert all(pod["spec"]["nodeName"] for pod in pods.values())
    assert all(2 == len(pod["status"]["containerStatuses"]) for pod in pods.values())


def test_labels_and_owners_survive_the_write_of_the_status(plane: ControlPlane, population) -> None:
    for pod in listed(plane):
        assert {"app", "tier", "pod-template-hash"} <= set(pod["metadata"]["labels"])
        assert "ReplicaSet" == pod["metadata"]["ownerReferences"][0]["kind"]


def test_a_pod_is_of_the_stated_size(plane: ControlPlane, population) -> None:
    sizes = [len(json.dumps(pod, separators=(",", ":"))) for pod in listed(plane)]
    assert 4_000 <= statistics.mean(sizes) <= 6_000
    assert len(set(sizes)) > PODS / 10


def test_progress_is_reported_up_to_the_last_pod(population, calls: list[tuple[int, int]]) -> None:
    assert (PODS, PODS) == calls[-1]
    assert sorted(calls) == calls


def test_populating_twice_is_refused_by_name(plane: ControlPlane, population) -> None:
    with pytest.raises(ApiError) as refused:
        populate(plane.api("harness"), population[:1])
    assert "AlreadyExists" == refused.value.reason
    assert population[0].name in str(refused.value)


def test_churn_keeps_its_rate_and_reports_it(churn: Churn) -> None:
    churn.resume(40)
    time.sleep(1)
    report = churn.pause()
    assert 40 == report.requested_per_s
    assert 0 == report.failed
    assert report.written == round(report.achieved_per_s * report.elapsed_s)
    assert 0 < report.written <= 40 * (report.elapsed_s + 0.1)


def test_churn_changes_the_cluster_and_keeps_its_size(plane: ControlPlane, churn: Churn) -> None:
    before = {pod["metadata"]["uid"]: pod["metadata"]["resourceVersion"] for pod in listed(plane)}
    churn.resume(60)
    time.sleep(1.5)
    churn.pause()
    after = {pod["metadata"]["uid"]: pod["metadata"]["resourceVersion"] for pod in listed(plane)}
    # the writer may pause between a deletion and its replacement
    assert abs(len(after) - len(before)) <= 1
    assert set(after) - set(before), "some pods were replaced"
    assert [uid for uid in after if uid in before and after[uid] != before[uid]], "some patched"


def test_nothing_is_written_after_a_pause_returned(plane: ControlPlane, churn: Churn) -> None:
    churn.resume(50)
    time.sleep(0.5)
    report = churn.pause()
    versions = {pod["metadata"]["resourceVersion"] for pod in listed(plane)}
    assert max(map(int, versions)) <= int(report.resource_version)
    time.sleep(0.3)
    assert versions == {pod["metadata"]["resourceVersion"] for pod in listed(plane)}


def test_a_rate_of_zero_writes_nothing(churn: Churn) -> None:
    churn.resume(0)
    time.sleep(0.2)
    assert 0 == churn.pause().written


def test_pausing_twice_reports_the_same_counts(churn: Churn) -> None:
    churn.resume(20)
    time.sleep(0.5)
    assert churn.pause().written == churn.pause().written


def test_churn_continues_when_the_api_server_comes_back(plane: ControlPlane, churn: Churn) -> None:
    churn.resume(20)
    plane.apiserver.stop()
    time.sleep(1)
    broken = churn.pause()
    assert broken.failed > 0
    assert broken.first_failure
    plane.start_apiserver()
    churn.resume(20)
    time.sleep(1)
    mended = churn.pause()
    assert 0 == mended.failed
    assert mended.written > 0


def test_a_churn_writer_that_dies_is_reported(churn: Churn) -> None:
    os.kill(churn.pid, signal.SIGKILL)
    with pytest.raises(ProcessFailed, match="churn writer was killed by SIGKILL"):
        churn.pause()
