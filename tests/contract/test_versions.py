"""resourceVersion and resourceVersionMatch: the API server's answers, and those of a cache."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.cluster.api import Api
from bench.cluster.pods import PodKey
from servers.registry import SERVERS
from tests.contract.client import NAMESPACE, Client, Reference, by_name

FUTURE = "999999999999"
ASKING_THE_API_SERVER = [name for name in SERVERS if name.startswith("direct")]


def touch(api: Api, pod: PodKey) -> str:
    written = api.merge_patch(
        pod.path, {"metadata": {"annotations": {"touched": str(time.time_ns())}}}
    )
    version: str = written["metadata"]["resourceVersion"]
    return version


def settled(client: Client) -> str:
    """Return a version of ``client`` that is stable for the moment."""
    version = client.ask("/pods").version
    while (later := client.ask("/pods").version) != version:
        version = later
    return version


def test_a_wait_for_a_version_that_does_not_come_times_out(
    clients: dict[str, Client], population: list[PodKey]
) -> None:
    lists = f"/pods/{NAMESPACE}"
    cases = [
        (client, path, {"resourceVersion": FUTURE, **match})
        for client in clients.values()
        for path, match in (
            (lists, {}),
            (lists, {"resourceVersionMatch": "NotOlderThan"}),
            (f"{lists}/{population[0].name}", {}),
        )
    ]

    with ThreadPoolExecutor(len(cases)) as threads:
        answers = list(threads.map(lambda case: case[0].ask(case[1], **case[2]), cases))

    for answer in answers:
        message = answer.body["message"]
        assert 504 == answer.status
        assert "1" == answer.headers["Retry-After"]
        assert message.startswith(f"Timeout: Too large resource version: {FUTURE}, current: ")


@pytest.mark.parametrize("match", ["", "NotOlderThan"])
def test_a_list_not_older_than_a_write_has_it(
    server: Client, api: Api, population: list[PodKey], match: str
) -> None:
    for _ in range(3):
        written = touch(api, population[3])
        parameters = {"resourceVersionMatch": match} if match else {}

        answer = server.ask(f"/pods/{NAMESPACE}", resourceVersion=written, **parameters)

        versions = [pod["metadata"]["resourceVersion"] for pod in answer.pods]
        assert written in versions
        assert int(written) <= int(answer.version)


def test_a_pod_not_older_than_a_write_has_it(
    server: Client, api: Api, population: list[PodKey]
) -> None:
    pod = population[4]
    for _ in range(3):
        written = touch(api, pod)

        answer = server.ask(f"/pods/{pod.namespace}/{pod.name}", resourceVersion=written)

        assert int(written) <= int(answer.version)


@pytest.mark.parametrize("version", ["0", "00", "1"])
def test_version_0_and_an_old_version_accept_any_state(
    compared: list[Client], reference: Reference, caught_up: Callable[[], str], version: str
) -> None:
    caught_up()

    answers = by_name(
        compared, lambda peer: peer.ask(f"/pods/{NAMESPACE}", resourceVersion=version).names
    )

    expected = reference.names(NAMESPACE)
    assert by_name(compared, lambda _: expected) == answers


def test_a_version_that_comes_during_the_wait_is_answered(
    compared: list[Client], api: Api, population: list[PodKey]
) -> None:
    coming = str(int(touch(api, population[5])) + 1)
    timer = threading.Timer(0.3, touch, (api, population[5]))
    timer.start()

    with ThreadPoolExecutor(len(compared)) as threads:
        answers = list(
            threads.map(lambda c: c.ask(f"/pods/{NAMESPACE}", resourceVersion=coming), compared)
        )

    timer.join()
    for client, answer in zip(compared, answers, strict=True):
        assert int(coming) <= int(answer.version), client.name


@pytest.mark.parametrize("name", ASKING_THE_API_SERVER)
def test_an_old_state_comes_from_the_api_server(
    clients: dict[str, Client], api: Api, population: list[PodKey], name: str
) -> None:
    before = touch(api, population[6])
    after = touch(api, population[6])

    exact = {"resourceVersion": before, "resourceVersionMatch": "Exact"}
    answer = clients[name].ask(f"/pods/{NAMESPACE}", **exact)

    versions = [pod["metadata"]["resourceVersion"] for pod in answer.pods]
    assert before in versions
    assert after not in versions
    assert before == answer.version


def test_the_informer_answers_an_exact_version_from_its_present_state(informer: Client) -> None:
    present = settled(informer)

    exact = {"resourceVersion": present, "resourceVersionMatch": "Exact"}
    answer = informer.ask("/pods", **exact)

    assert present == answer.version
    assert informer.ask("/pods").raw == answer.raw


def test_the_informer_answers_an_exact_version_from_a_state_kept_for_pages(
    informer: Client, api: Api, population: list[PodKey]
) -> None:
    first = informer.ask(f"/pods/{NAMESPACE}", limit="2")
    kept = first.version
    touch(api, population[7])

    exact = informer.ask("/pods", resourceVersion=kept, resourceVersionMatch="Exact")
    limited = informer.ask(f"/pods/{NAMESPACE}", resourceVersion=kept, limit="2")

    assert kept == exact.version == limited.version
    assert first.pods == limited.pods


@pytest.mark.parametrize(
    "parameters",
    [
        {"resourceVersionMatch": "Exact"},
        {"limit": "2"},
        {"resourceVersionMatch": "Exact", "limit": "2"},
    ],
    ids="&".join,
)
@pytest.mark.parametrize("version", ["1", FUTURE])
def test_the_informer_has_no_other_exact_version(
    informer: Client, parameters: dict[str, str], version: str
) -> None:
    answer = informer.ask("/pods", resourceVersion=version, **parameters)

    assert 410 == answer.status
    assert version in answer.body["message"]


def test_the_informer_answers_an_unset_version_from_its_cache(informer: Client) -> None:
    name = "informer_bench_upstream_requests_total"
    before = informer.counted(name)

    for path in ("/pods", f"/pods/{NAMESPACE}", f"/pods/{NAMESPACE}/unheard-of"):
        informer.ask(path)

    assert before == informer.counted(name)


def test_direct_sees_its_own_write_at_once(
    direct: Client, api: Api, population: list[PodKey]
) -> None:
    pod = population[8]
    for _ in range(20):
        written = touch(api, pod)

        assert written == direct.ask(f"/pods/{pod.namespace}/{pod.name}").version
        assert int(written) <= int(direct.ask("/pods").version)
