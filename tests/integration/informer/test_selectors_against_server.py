"""Random pods and random selectors: our answer, or our error, equals the API server's."""

import json
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest

from bench.cluster.api import ApiError
from bench.cluster.control_plane import ControlPlane
from kube_informer import CONFIGMAPS, SERVICES, Resource, SelectorError, SharedInformer
from tests.integration.informer.conftest import Informers
from tests.integration.informer.replica import eventually, listed, small_pod

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
    return informers.filled(control_plane.kubeconfig, namespaces=[writer.namespace])


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
        expected, actual = (
            servers(control_plane, path, labels, fields),
            ours(filled, labels, fields),
        )
        if expected != actual:
            differing.append((labels, fields, expected, actual))
    assert [] == differing, json.dumps(differing[:3])


CRD = {
    "metadata": {"name": "gadgets.informer.test"},
    "spec": {
        "group": "informer.test",
        "scope": "Namespaced",
        "names": {"plural": "gadgets", "kind": "Gadget", "singular": "gadget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "selectableFields": [{"jsonPath": ".spec.color"}, {"jsonPath": ".spec.big"}],
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "color": {"type": "string"},
                                    "big": {"type": "boolean"},
                                },
                            }
                        },
                    }
                },
            }
        ],
    },
}
GADGETS = Resource("informer.test", "v1", "gadgets", selectable_fields=("spec.color", "spec.big"))
SECRETS = Resource("", "v1", "secrets")
EVENTS = Resource("", "v1", "events")
JOBS = Resource("batch", "v1", "jobs")
CONTROLLERS = Resource("", "v1", "replicationcontrollers")
POD = {"spec": {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}}


def event(namespace: str, name: str, **fields: Any) -> dict[str, Any]:
    involved = {"kind": "Pod", "namespace": namespace, "name": name}
    return {"involvedObject": involved, "reason": "Why", "type": "Normal"} | fields


@pytest.mark.parametrize(
    ("resource", "objects", "selectors"),
    [
        (
            SECRETS,
            {"a": {"type": "Opaque"}, "b": {"type": "x.io/y"}},
            ["type=Opaque", "type!=Opaque", "type=", "metadata.name=b,type=x.io/y"],
        ),
        (
            SERVICES,
            {
                "a": {"spec": {"clusterIP": "None", "ports": [{"port": 1}]}},
                "b": {"spec": {"type": "ExternalName", "externalName": "x.io"}},
            },
            ["spec.clusterIP=None", "spec.type=ClusterIP", "spec.type!=ClusterIP"],
        ),
        (
            EVENTS,
            {"a": {"reason": "Other"}, "b": {"type": "Warning"}},
            ["reason=Why", "type!=Normal", "involvedObject.name=a", "involvedObject.uid="],
        ),
        (
            JOBS,
            {"a": {"spec": {"template": POD}}, "b": {"spec": {"template": POD}}},
            ["status.successful=0", "status.successful!=0"],
        ),
        (
            CONTROLLERS,
            {"a": {"spec": {"replicas": 0, "selector": {"a": "b"}, "template": None}}},
            ["status.replicas=0", "status.replicas=1"],
        ),
        (
            GADGETS,
            {"a": {"spec": {"color": "red", "big": True}}, "b": {"spec": {"color": "blue"}}},
            ["spec.color=red", "spec.color!=red", "spec.big=true", "spec.big=", "spec.big=false"],
        ),
        (CONFIGMAPS, {"a": {}, "b": {}}, ["metadata.name!=a", "metadata.namespace=x"]),
    ],
    ids=lambda value: value.plural if isinstance(value, Resource) else "",
)
def test_other_kinds_are_selected_by_their_own_fields_as_the_server_does(
    control_plane: ControlPlane, informers: Informers, writer_of, resource, objects, selectors
) -> None:
    api, namespace = control_plane.api("admin"), writer_of(control_plane).namespace
    if resource is GADGETS:
        api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", CRD)
    path = resource.path(namespace)
    eventually(lambda: served(api, path), f"{path} is served")
    version = f"{resource.group}/{resource.version}" if resource.group else resource.version
    kind = {"gadgets": "Gadget"}.get(resource.plural)
    for name, fields in objects.items():
        body = {"apiVersion": version, "metadata": {"name": name}} | fields
        if kind:
            body["kind"] = kind
        if resource is EVENTS:
            body |= event(namespace, name, **fields)
        if resource is CONTROLLERS:
            body["spec"]["template"] = {
                "metadata": {"labels": {"a": "b"}},
                "spec": POD["spec"] | {"restartPolicy": "Always"},
            }
        api.post(path, body)
    informer = informers.filled(control_plane.kubeconfig, resource, namespaces=[namespace])
    for selector in selectors:
        query = urlencode({"fieldSelector": selector})
        names = [item["metadata"]["name"] for item in listed(api, f"{path}?{query}")[1]]
        items = informer.lister().list(field_selector=selector)
        assert (selector, names) == (selector, [item.name for item in items])
    with pytest.raises(SelectorError, match=rf"spec\.nope; the cache of {resource.plural} can be"):
        informer.lister().list(field_selector="spec.nope=1")
    for name in objects:
        api.delete(f"{path}/{name}")


def served(api: Any, path: str) -> bool:
    try:
        api.get(path)
    except ApiError:
        return False
    return True


def test_metadata_alone_is_selected_by_metadata_alone(
    control_plane: ControlPlane, informers: Informers
) -> None:
    informer = informers.filled(control_plane.kubeconfig, metadata_only=True)
    with pytest.raises(SelectorError, match=r"field label not supported: status\.phase"):
        informer.lister().list(field_selector="status.phase=Running")
