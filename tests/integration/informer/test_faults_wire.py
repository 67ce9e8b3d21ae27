"""A broken connection between the informer and a real API server: silence, cuts, trickles."""

import socket
import threading
import time

import pytest

from bench.cluster.control_plane import ControlPlane
from informer.conformance.scripted_server import Reply
from informer.tests.shapes import line, pod
from kube_informer import PODS, SharedInformer, Timing, Transport, on_any
from kube_informer.connection import keepalive_options
from kube_informer.machine import State
from tests.integration.informer.replica import eventually, listed, same
from tests.integration.informer.subject import SLOW_MACHINE_S, Make, Subject

IMPATIENT = Timing(idle_s=2.0, first_bookmark_s=2.0, headers_s=2.0, list_s=2.0)
"""Limits that detect a dead stream within a test; idle_s is 70 s by default."""


@pytest.fixture
def make_subject(control_plane: ControlPlane, writer_of, informers) -> Make:
    writer = writer_of(control_plane)

    def make(kubeconfig, **options) -> Subject:
        return Subject(control_plane, writer, informers, kubeconfig, **options)

    return make


def test_packets_vanish_without_an_end_of_the_connection(control_plane, make_subject, proxied):
    proxy, kubeconfig = proxied(control_plane)
    subject = make_subject(kubeconfig, timing=IMPATIENT)
    proxy.silence()
    subject.writer.some_writes("unheard")
    version, items = listed(subject.api, subject.writer.path)
    assert not subject.informer.wait_until(version, 1.0)
    eventually(lambda: len(subject.fills.delays) > 0, "the dead stream was abandoned")
    proxy.cut()
    proxy.resume()
    eventually(lambda: same(subject.informer, items), "recovered", SLOW_MACHINE_S)
    subject.in_step()
    subject.kept_its_state()


def test_a_cut_in_the_middle_of_an_event(control_plane, make_subject, proxied):
    proxy, kubeconfig = proxied(control_plane)
    subject = make_subject(kubeconfig)
    for offset in (200, 700, 1500):
        proxy.cut_after(4000 + offset)
        proxy.cut()
        subject.writer.some_writes(f"cut-{offset}")
    proxy.resume()
    proxy.cut()
    subject.recovers()
    subject.kept_its_state()


def test_a_stream_that_trickles_a_byte_at_a_time(control_plane, make_subject, proxied):
    proxy, kubeconfig = proxied(control_plane)
    subject = make_subject(kubeconfig, timing=IMPATIENT)
    proxy.trickle(0.0005)
    subject.writer.create("slow")
    subject.writer.touch("slow", "drip")
    subject.in_step()
    proxy.resume()
    subject.kept_its_state()


@pytest.mark.parametrize("pods", [60, pytest.param(10_000, marks=pytest.mark.soak)])
def test_every_pod_replaced_while_the_stream_is_cut_five_times(
    control_plane, make_subject, proxied, pods
):
    proxy, kubeconfig = proxied(control_plane)
    subject = make_subject(kubeconfig)
    writer = subject.writer
    for at in range(pods):
        writer.create(f"old-{at}")
    for at in range(pods):
        writer.delete(f"old-{at}")
        writer.create(f"new-{at}")
        if at % (pods // 5) == 0:
            proxy.cut()
    subject.in_step()
    assert pods <= len(subject.informer.snapshot())


def test_connections_carry_the_keepalive_options(control_plane):
    transport = Transport.from_kubeconfig(control_plane.kubeconfig, "admin")
    stream = transport.stream("/api/v1/pods", {"watch": "true"}, timeout=5, resource="pods")
    sock = stream._cancel.socket
    assert [value for _, _, value in keepalive_options()] == [
        int(bool(sock.getsockopt(level, name))) if value == 1 else sock.getsockopt(level, name)
        for level, name, value in keepalive_options()
    ]
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    stream.close()
    transport.close()


# Stops at any stage of the stream; test_remedies_scripted.py stops in every state

STOP_S = 2.0


def stopped_in_time(informer: SharedInformer) -> None:
    assert informer.stop(STOP_S)
    assert not informer.wait_for_cache_sync(60) or informer.has_synced


def test_stop_while_watching(control_plane, informers):
    informer = informers.filled(control_plane.kubeconfig)
    stopped_in_time(informer)


def test_stop_before_the_start_and_twice(control_plane, informers):
    informer = informers.of(control_plane.kubeconfig)
    stopped_in_time(informer)
    stopped_in_time(informer)


def test_stop_while_it_connects_to_a_silent_server(proxied, control_plane, informers):
    proxy, kubeconfig = proxied(control_plane)
    proxy.silence()
    informer = informers.of(kubeconfig)
    informer.start()
    eventually(lambda: proxy.accepted > 0, "it is in the TLS handshake")
    time.sleep(0.1)
    stopped_in_time(informer)


def in_state(informer: SharedInformer, state: State) -> bool:
    return informer._reflectors[0].machine.state is state


def test_stop_while_it_fills_a_large_store(scripted, informers):
    """Decoding a chunk cannot be interrupted, but it ends by itself."""
    data = b"".join(line("ADDED", pod(f"p{at}", at + 1)) for at in range(20_000))
    server = scripted(lambda _: Reply(pieces=(data,), hold=True))
    informer = informers.over(server.transport(), PODS, stream_initial=True)
    informer.start()
    eventually(lambda: in_state(informer, State.FILLING), "it fills")
    stopped_in_time(informer)


def test_stop_from_a_handler(control_plane, informers, writer_of):
    writer = writer_of(control_plane)
    writer.create("one")
    informer = informers.of(control_plane.kubeconfig, namespaces=[writer.namespace])
    ended: list[bool] = []
    informer.add_event_handler(on_any(lambda _: ended.append(informer.stop(STOP_S))))
    informer.start()
    eventually(lambda: ended == [True], "the handler stopped it")


def test_stop_with_a_handler_that_never_returns_returns_false(control_plane, informers, writer_of):

    writer = writer_of(control_plane)
    writer.create("one")
    informer = informers.of(control_plane.kubeconfig, namespaces=[writer.namespace])
    entered, gate = threading.Event(), threading.Event()

    def hang(_: object) -> None:
        entered.set()
        gate.wait(60)

    informer.add_event_handler(on_any(hang))
    informer.start()
    assert entered.wait(30)
    assert not informer.stop(0.3)
    gate.set()
    assert informer.stop(STOP_S)
