"""Selectors have the API server's meaning at every server, and its errors."""

from collections.abc import Callable

import pytest

from bench.cluster.api import ApiError
from tests.contract.client import NAMESPACE, SAME_BYTES, Client, Reference, by_name

LABELS = [
    "tier=backend",
    "tier==backend",
    "tier!=backend",
    "tier",
    "!tier",
    "!unheard-of",
    "tier in (backend,frontend)",
    "tier in (backend, cache),app=api-1",
    "tier notin (backend)",
    "tier notin (frontend,backend)",
    "app=web-1,tier=frontend",
    "tier=unheard-of",
    "app in (web-1),!unheard-of",
    "tier in ()",
    " tier = backend ",
    "pod-template-hash=web1hash",
    "unheard-of notin (x)",
    "app>1",
]

FIELDS = [
    "status.phase=Running",
    "status.phase!=Running",
    "status.phase=Pending",
    "spec.nodeName=",
    "spec.nodeName!=",
    "spec.restartPolicy=Always",
    "spec.restartPolicy=Never",
    f"metadata.namespace={NAMESPACE}",
    f"metadata.namespace!={NAMESPACE}",
    "metadata.namespace=unheard-of",
    "metadata.name=unheard-of",
    "spec.schedulerName=default-scheduler",
    "spec.serviceAccountName=web-1",
    "spec.hostNetwork=false",
    "spec.hostNetwork=true",
    "status.podIP=",
    "status.podIPs=",
    "status.nominatedNodeName=",
    "status.phase=Running,spec.serviceAccountName=api-1",
    "status.phase==Running,metadata.namespace!=contract-b",
]

BAD = [
    {"labelSelector": "a==b==c"},
    {"labelSelector": "&&"},
    {"labelSelector": "tier in x"},
    {"labelSelector": "tier in (a"},
    {"labelSelector": "a b"},
    {"labelSelector": ","},
    {"labelSelector": "tier=-"},
    {"labelSelector": "tier>x"},
    {"fieldSelector": "foo=bar"},
    {"fieldSelector": "status.phase"},
    {"fieldSelector": "metadata.labels.app=x"},
    {"fieldSelector": "status.phase=\\x"},
    {"labelSelector": "a==b==c", "fieldSelector": "foo=bar"},
    {"labelSelector": "a==b==c", "limit": "1"},
]


@pytest.mark.parametrize(
    ("kind", "selector"),
    [
        ("labelSelector", LABELS[0]),
        *(("fieldSelector", text) for text in FIELDS),
        *(("labelSelector", text) for text in LABELS[1:]),
    ],
)
def test_a_selector_selects_the_same_pods_as_the_api_server(
    asked: list[Client], reference: Reference, kind: str, selector: str
) -> None:
    expected = reference.names(**{kind: selector})

    selected = by_name(asked, lambda client: client.ask("/pods", **{kind: selector}).names)
    assert by_name(asked, lambda _: expected) == selected


def test_selectors_of_both_kinds_hold_together_within_a_namespace(
    server: Client, reference: Reference
) -> None:
    both = {"labelSelector": "tier=backend", "fieldSelector": "status.phase=Running"}
    expected = reference.names(NAMESPACE, **both)

    assert 5 == len(expected)
    assert expected == server.ask(f"/pods/{NAMESPACE}", **both).names


def test_a_name_as_field_selector_finds_one_pod(server: Client, reference: Reference) -> None:
    pod = reference.names(NAMESPACE)[3]
    name = pod.partition("/")[2]

    assert [pod] == server.ask("/pods", fieldSelector=f"metadata.name={name}").names[-1:]
    assert [pod] == server.ask(f"/pods/{NAMESPACE}", fieldSelector=f"metadata.name={name}").names


@pytest.mark.parametrize("parameters", BAD, ids=lambda p: "&".join(p.values()))
def test_a_bad_selector_is_refused_with_the_api_servers_message(
    asked: list[Client], reference: Reference, parameters: dict[str, str]
) -> None:
    with pytest.raises(ApiError) as refusal:
        reference.pods(**parameters)

    assert 400 == refusal.value.code
    for server in asked:
        answer = server.ask("/pods", **parameters)

        assert (server.name, 400) == (server.name, answer.status)
        assert str(refusal.value).endswith(f": {answer.body['message']}"), server.name


def test_selected_pods_are_the_same_bytes_from_every_server_that_promises_them(
    clients: dict[str, Client], caught_up: Callable[[], str]
) -> None:
    caught_up()

    bodies = {clients[name].ask("/pods", labelSelector="tier=backend").raw for name in SAME_BYTES}

    assert 1 == len(bodies)
