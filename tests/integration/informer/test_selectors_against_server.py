"""Random pods and random selectors: our answer, or our complaint, equals the API server's."""

import json
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest

from bench.cluster.api import ApiError
from bench.cluster.control_plane import ControlPlane
from kube_informer import SelectorError, SharedInformer
from tests.integration.informer.conftest import Informers
from tests.integration.informer.replica import PATIENCE_S, listed, small_pod

LABEL_PARTS = [
    *("app", "tier", "n", "x.io/y", "in", "notin", "web", "db", "1", "-5", "12", "-z", "a/b/c"),
    *("=", "==", "!=", "!", ">", "<", "(", ")", ",", " ", "é", ""),
]
FIELD_PARTS = [
    *("metadata.name", "metadata.namespace", "spec.nodeName", "spec.host", "status.phase"),
    *("spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "foo"),
    *("spec.hostNetwork", "status.podIP", "status.podIPs", "status.nominatedNodeName"),
    *("=", "==", "!=", "\\", ",", "p1", "n1", "Running", "Pending", "true", "10.0.0.1", ""),
]
WHOLE_LABELS = [
    *("app=web", "app!=web", "app in (web,db)", "tier notin (front)", "app", "!tier"),
    *("n>5", "n<12", "app in ()", "app=", "tier in (,back)"),
]
WHOLE_FIELDS = [
    *("spec.nodeName=n1", "spec.host!=n1", "status.phase=Running", "status.podIP=10.0.0.1"),
    *("status.podIPs=", "status.podIP!=", "spec.hostNetwork=true", "metadata.name!=p1"),
    *("spec.restartPolicy=Never", "status.nominatedNodeName=n2", "metadata.name=p3"),
    *("spec.serviceAccountName=robot", "spec.schedulerName!=default-scheduler"),
]


def random_pod(random: Random, name: str) -> dict[str, Any]:
    pod = small_pod(name)
    values = {"app": ["web", "db", ""], "tier": ["front", "back"], "n": ["1", "7", "12", "x"]}
    pod["metadata"]["labels"] = {
        key: random.choice(choices) for key, choices in values.items() if random.random() < 0.7
    }
    pod["spec"] |= {
        "restartPolicy": random.choice(["Always", "Never"]),
        "schedulerName": random.choice(["default-scheduler", "own"]),
        "serviceAccountName": random.choice(["default", "robot"]),
        "hostNetwork": random.random() < 0.3,
    }
    if random.random() < 0.7:
        pod["spec"]["nodeName"] = random.choice(["n1", "n2"])
    else:
        del pod["spec"]["nodeName"]
    return pod


def random_status(random: Random, *, bound: bool) -> dict[str, Any]:
    status: dict[str, Any] = {"phase": random.choice(["Pending", "Running", "Succeeded"])}
    if random.random() < 0.6:
        ip = random.choice(["10.0.0.1", "10.0.0.2"])
        status |= {"podIP": ip, "podIPs": [{"ip": ip}]}
    if not bound and random.random() < 0.7:
        status["nominatedNodeName"] = random.choice(["n1", "n2"])
    return status


@pytest.fixture
def filled(control_plane: ControlPlane, informers: Informers, writer_of) -> SharedInformer:
    writer = writer_of(control_plane)
    api, random = control_plane.api("admin"), Random(5)
    for at in range(40):
        pod = random_pod(random, f"p{at}")
        api.post(writer.path, pod)
        status = random_status(random, bound="nodeName" in pod["spec"])
        api.merge_patch(f"{writer.path}/p{at}/status", {"status": status})
    informer = informers.of(control_plane.kubeconfig, namespaces=[writer.namespace])
    informer.start()
    assert informer.wait_for_cache_sync(PATIENCE_S)
    return informer


def ours(informer: SharedInformer, labels: str, fields: str) -> tuple[int, Any]:
    try:
        return 200, [item.name for item in informer.lister().list(labels, fields)]
    except SelectorError as error:
        return 400, str(error)


def servers(plane: ControlPlane, path: str, labels: str, fields: str) -> tuple[int, Any]:
    query = urlencode({"labelSelector": labels, "fieldSelector": fields})
    try:
        _, items = listed(plane.api("admin"), f"{path}?{query}")
    except ApiError as error:
        return error.code, str(error).partition("BadRequest: ")[2]
    return 200, [item["metadata"]["name"] for item in items]


@pytest.mark.parametrize(
    "queries", [400, pytest.param(8000, marks=pytest.mark.soak)], ids=["short", "long"]
)
def test_random_selectors_are_answered_as_the_api_server_answers(
    control_plane, filled, namespace, queries
):
    random = Random(11)
    path = f"/api/v1/namespaces/{namespace}/pods"
    differing = []
    for _ in range(queries):
        labels = fields = ""
        kind = random.randrange(4)
        if kind == 0:
            labels = "".join(random.choices(LABEL_PARTS, k=random.randint(1, 6))).strip()
        elif kind == 1:
            fields = "".join(random.choices(FIELD_PARTS, k=random.randint(1, 6)))
        else:
            labels = ",".join(random.sample(WHOLE_LABELS, random.randint(0, 3)))
            fields = ",".join(random.sample(WHOLE_FIELDS, random.randint(0, 2)))
        wanted, found = (
            servers(control_plane, path, labels, fields),
            ours(filled, labels, fields),
        )
        if wanted != found:
            differing.append((labels, fields, wanted, found))
    assert [] == differing, json.dumps(differing[:3])
