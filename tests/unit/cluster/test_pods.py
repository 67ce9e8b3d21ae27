"""The population: a function of its seed, realistic, and safe for churn."""

import re

import pytest

from bench.cluster.pods import draw_pods, manifest, status, targets
from kube_informer import parse_label_selector

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def test_the_same_seed_draws_the_same_pods() -> None:
    assert draw_pods(3, 500) == draw_pods(3, 500)
    assert draw_pods(3, 500) != draw_pods(4, 500)


def test_the_requested_number_of_pods_is_drawn_with_unique_names() -> None:
    for count in (1, 2, 23, 1000):
        pods = draw_pods(1, count)
        assert count == len(pods) == len({(pod.namespace, pod.name) for pod in pods})


def test_names_are_valid_in_kubernetes() -> None:
    for pod in draw_pods(1, 300):
        assert DNS_LABEL.fullmatch(pod.name)
        assert DNS_LABEL.fullmatch(pod.namespace)


def test_one_namespace_orders_differently_with_a_slash_than_alone() -> None:
    namespaces = {pod.namespace for pod in draw_pods(1, 1000)}
    assert sorted(namespaces) != sorted(namespaces, key=lambda name: f"{name}/")


def test_a_replacement_has_another_name_and_the_same_workload() -> None:
    pod = draw_pods(1, 30)[5]
    successors = [pod, pod.replacement(), pod.replacement().replacement()]
    assert 3 == len({successor.name for successor in successors})
    assert 1 == len({successor.workload for successor in successors})


def test_targets_are_pods_that_churn_leaves_in_place() -> None:
    pods = draw_pods(1, 1000)
    stable = {(pod.namespace, pod.name) for pod in pods if pod.is_stable}
    assert set(targets(pods).pods) <= stable
    assert targets(pods).pods


def test_every_selector_of_the_targets_matches_some_pods_but_not_all() -> None:
    pods = draw_pods(1, 1000)
    tiers = {manifest(pod)["metadata"]["labels"]["tier"] for pod in pods}
    assert {"app", "tier"} == {
        name for text in targets(pods).label_selectors for name in re.findall(r"app|tier", text)
    }
    assert "backend" in tiers
    assert len(tiers) > 1


@pytest.mark.parametrize("count", [1, 5, 60, 200, 1000])
def test_every_selector_of_the_targets_matches_a_pod_that_stays(count: int) -> None:
    for seed in range(20):
        pods = draw_pods(seed, count)
        stay = [manifest(pod)["metadata"]["labels"] for pod in pods if pod.is_stable]
        for text in targets(pods).label_selectors:
            assert any(parse_label_selector(text).matches(labels) for labels in stay), text


def test_a_small_population_has_targets_too() -> None:
    assert targets(draw_pods(1, 1)).pods
    assert targets(draw_pods(1, 1)).label_selectors


def test_a_pod_has_the_fields_of_a_real_one() -> None:
    pod = next(p for p in draw_pods(1, 1000) if p.workload.richness > 2)
    body = manifest(pod)
    assert "ReplicaSet" == body["metadata"]["ownerReferences"][0]["kind"]
    application, sidecar = body["spec"]["containers"]
    assert {"readinessProbe", "livenessProbe", "env", "resources"} <= set(application)
    assert sidecar["env"]
    assert body["spec"]["volumes"]
    assert body["spec"]["tolerations"]
    assert ["application", "sidecar"] == [
        entry["name"] for entry in status(pod)["containerStatuses"]
    ]


def test_a_restart_shows_in_the_status_alone() -> None:
    pod = draw_pods(1, 5)[0]
    assert status(pod) != status(pod, restarts=1)
    assert 1 == status(pod, restarts=1)["containerStatuses"][0]["restartCount"]
