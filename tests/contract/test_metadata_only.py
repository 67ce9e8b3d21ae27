"""The server of another contract: pods without spec and status, as PartialObjectMetadata."""

from collections.abc import Callable

import pytest

from bench.cluster.pods import PodKey
from tests.contract.client import NAMESPACE, Client, Reference

HEAD = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}


@pytest.fixture
def metadata_only(clients: dict[str, Client]) -> Client:
    return clients["metadata-only"]


@pytest.mark.parametrize("selector", [{}, {"labelSelector": "tier=backend"}], ids=["all", "some"])
def test_a_list_has_the_metadata_of_each_pod_and_nothing_else(
    metadata_only: Client,
    reference: Reference,
    caught_up: Callable[[], str],
    selector: dict[str, str],
) -> None:
    caught_up()

    answer = metadata_only.ask(f"/pods/{NAMESPACE}", **selector)

    pods = reference.pods(NAMESPACE, **selector)
    assert [{**HEAD, "metadata": pod["metadata"]} for pod in pods] == answer.pods


def test_one_pod_is_its_metadata(
    metadata_only: Client, population: list[PodKey], reference: Reference
) -> None:
    pod = population[3]

    answer = metadata_only.ask(f"/pods/{pod.namespace}/{pod.name}")

    metadata = reference.api.get(pod.path)["metadata"]
    assert {**HEAD, "metadata": metadata} == answer.body["result"]


def test_it_can_be_selected_by_its_metadata(
    metadata_only: Client, population: list[PodKey]
) -> None:
    name = population[3].name

    answer = metadata_only.ask("/pods", fieldSelector=f"metadata.name={name}")

    assert {name} == {pod["metadata"]["name"] for pod in answer.pods}


@pytest.mark.parametrize(
    "field", ["status.phase=Running", "spec.nodeName!=x", "metadata.name=a,spec.host=b"]
)
def test_a_field_outside_its_metadata_is_refused(metadata_only: Client, field: str) -> None:
    answer = metadata_only.ask("/pods", fieldSelector=field)

    assert 400 == answer.status
    assert "only metadata is held here" in answer.body["message"]


def test_a_path_that_leads_elsewhere_is_refused_as_everywhere(
    metadata_only: Client, direct: Client
) -> None:
    for path in ("/pods/..", f"/pods/{NAMESPACE}/UPPER"):
        answers = [client.ask(path) for client in (metadata_only, direct)]

        assert [404, 404] == [answer.status for answer in answers]
        assert answers[0].raw == answers[1].raw


def test_a_selector_that_does_not_parse_is_refused_as_everywhere(
    metadata_only: Client, direct: Client
) -> None:
    answers = [peer.ask("/pods", fieldSelector="status.phase") for peer in (metadata_only, direct)]

    assert [400, 400] == [answer.status for answer in answers]
