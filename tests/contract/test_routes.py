"""The answers on the routes, the same for every server."""

import time
from collections.abc import Callable

import pytest

from bench.cluster.pods import PodKey
from bench.sut.json_diff import without_nulls
from tests.contract.client import (
    EMPTY,
    NAMESPACE,
    NEIGHBOUR,
    SAME_BYTES,
    Client,
    Reference,
    by_name,
)

LISTS = ["/pods", f"/pods/{NAMESPACE}", f"/pods/{NEIGHBOUR}", f"/pods/{EMPTY}", "/pods/unheard-of"]


def test_a_list_is_a_pong_with_the_pods_as_result(server: Client) -> None:
    answer = server.ask("/pods")

    assert (200, "pong") == (answer.body["code"], answer.body["message"])
    assert ["code", "message", "result"] == list(answer.body)
    assert "application/json" == answer.headers["Content-Type"]


@pytest.mark.parametrize("namespace", [None, NAMESPACE, NEIGHBOUR, EMPTY, "unheard-of"])
def test_a_list_has_the_pods_of_the_api_server_in_its_order(
    compared: list[Client],
    reference: Reference,
    caught_up: Callable[[], str],
    namespace: str | None,
) -> None:
    caught_up()
    typed = {"kind": "Pod", "apiVersion": "v1"}
    expected = [{**typed, **pod} for pod in reference.pods(namespace)]

    for server in compared:
        answer = server.ask("/pods" if namespace is None else f"/pods/{namespace}")

        assert without_nulls(expected) == answer.content["result"], server.name
        if server.name in SAME_BYTES:
            assert expected == answer.pods, server.name


def test_keys_are_ordered_bytewise_so_that_a_dash_comes_before_the_slash(server: Client) -> None:
    namespaces = [name.partition("/")[0] for name in server.ask("/pods").names]

    ours = [name for name in namespaces if name in (NAMESPACE, NEIGHBOUR)]
    assert [NEIGHBOUR] * 5 + [NAMESPACE] * 10 == ours


def test_one_pod_is_the_result_itself(
    compared: list[Client],
    reference: Reference,
    population: list[PodKey],
    caught_up: Callable[[], str],
) -> None:
    caught_up()
    pod = population[0]
    expected = without_nulls(reference.api.get(pod.path))

    for server in compared:
        answer = server.ask(f"/pods/{pod.namespace}/{pod.name}")

        assert ["code", "message", "result"] == list(answer.body)
        assert expected == answer.content["result"], server.name
        assert answer.body["result"]["metadata"]["resourceVersion"] == answer.version


def test_a_pod_reads_the_same_alone_and_in_a_list(server: Client) -> None:
    for listed in server.ask(f"/pods/{NAMESPACE}").pods:
        alone = server.ask(f"/pods/{NAMESPACE}/{listed['metadata']['name']}")

        assert listed == alone.body["result"]
        assert list(listed) == list(alone.body["result"])


@pytest.mark.parametrize("path", LISTS)
def test_lists_are_the_same_bytes_from_every_server_that_promises_them(
    clients: dict[str, Client], caught_up: Callable[[], str], path: str
) -> None:
    caught_up()

    bodies = {name: clients[name].ask(path).raw for name in SAME_BYTES}

    assert 1 == len(set(bodies.values())), {name: len(raw) for name, raw in bodies.items()}


def test_every_pod_is_the_same_bytes_from_every_server_that_promises_them(
    clients: dict[str, Client], population: list[PodKey], caught_up: Callable[[], str]
) -> None:
    caught_up()

    for pod in population:
        answers = [clients[name].ask(f"/pods/{pod.namespace}/{pod.name}") for name in SAME_BYTES]

        assert 1 == len({answer.raw for answer in answers})
        assert 1 == len({answer.version for answer in answers})


def test_the_version_of_a_list_names_a_state_that_has_the_last_write(
    compared: list[Client], caught_up: Callable[[], str]
) -> None:
    written = caught_up()

    for server in compared:
        assert int(written) <= int(server.ask("/pods").version), server.name


@pytest.mark.parametrize("path", ["/pods", f"/pods/{NAMESPACE}", "/pods/unheard-of"])
def test_head_is_a_get_without_its_body(compared: list[Client], path: str) -> None:
    for server in compared:
        got = server.ask(path)
        head = server.ask(path, "HEAD")

        assert (server.name, 200, b"") == (server.name, head.status, head.raw)
        assert got.headers["Content-Length"] == head.headers["Content-Length"], server.name


def test_the_length_precedes_the_body(server: Client) -> None:
    answer = server.ask("/pods")

    assert str(len(answer.raw)) == answer.headers["Content-Length"]


def test_unknown_parameters_are_ignored(server: Client) -> None:
    answer = server.ask(f"/pods/{NAMESPACE}", watch="true", timeoutSeconds="1", pretty="true")

    assert server.ask(f"/pods/{NAMESPACE}").raw == answer.raw


def test_of_repeated_parameters_the_first_counts(server: Client) -> None:
    answer = server.ask(f"/pods/{NAMESPACE}?labelSelector=tier%3Dbackend&labelSelector=a==b==c")

    assert 5 == len(answer.pods)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_serving_server_is_alive_and_ready(compared: list[Client], path: str) -> None:
    answers = by_name(compared, lambda client: client.ask(path).status)
    assert by_name(compared, lambda _: 200) == answers


def test_metrics_count_the_requests_sent_to_the_api_server(clients: dict[str, Client]) -> None:
    name = "informer_bench_upstream_requests_total"
    direct, informer = clients["direct"], clients["informer"]
    before = direct.counted(name), informer.counted(name)

    for client in (direct, informer):
        for _ in range(3):
            client.ask("/pods")

    assert before[0] + 3 == direct.counted(name)
    assert before[1] == informer.counted(name)


def test_metrics_label_requests_as_the_audit_log_does(direct: Client) -> None:
    direct.ask(f"/pods/{NAMESPACE}")
    direct.ask(f"/pods/{NAMESPACE}/unheard-of")

    shown = direct.ask("/metrics").raw.decode()

    for verb, code in (("list", 200), ("get", 404)):
        labels = f'code="{code}",resource="pods",subresource="",verb="{verb}"'
        assert f"informer_bench_upstream_requests_total{{{labels}}}" in shown


def test_the_informer_reports_the_arrival_of_a_change_by_this_machines_clock(
    informer: Client, caught_up: Callable[[], str]
) -> None:
    begun_us = time.monotonic_ns() // 1000
    version = int(caught_up())

    times = dict(informer.ask(f"/events?since={version}").body["result"])

    assert begun_us < times[version] < time.monotonic_ns() // 1000
    assert min(times) >= version


def test_a_source_that_receives_no_changes_reports_none(
    direct: Client, caught_up: Callable[[], str]
) -> None:
    caught_up()
    assert [] == direct.ask("/events?since=0").body["result"]


def test_every_server_counts_the_bytes_that_it_received(
    compared: list[Client], caught_up: Callable[[], str]
) -> None:
    counter = "informer_bench_upstream_received_bytes_total"
    before = by_name(compared, lambda client: client.counted(counter))
    caught_up()  # a change for the informer, a list for the others

    for server in compared:
        # no pod here is smaller
        assert server.counted(counter) - before[server.name] > 1000, server.name
