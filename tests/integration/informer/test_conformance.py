"""The informer behaves as client-go does, on a control plane and on scripted servers."""

import pytest

from bench.cluster.binaries.model import PassedOver
from informer.conformance.__main__ import play
from informer.conformance.processes import CLIENT_GO, KUBE_INFORMER, client_go_program
from informer.conformance.table import Outcome, unexplained


@pytest.fixture(scope="module")
def outcomes(control_plane, watchdog, tmp_path_factory) -> list[Outcome]:
    """The short form, played to client-go and to this library."""
    try:
        program = client_go_program(watchdog, print)
    except PassedOver as reason:
        pytest.skip(f"client-go cannot be built here: {reason}")
    folder = tmp_path_factory.mktemp("conformance")
    subjects = (CLIENT_GO, KUBE_INFORMER)
    return play(program, watchdog, folder, short=True, subjects=subjects, plane=control_plane)


def test_client_go_has_the_servers_state_after_each_history(outcomes):
    caches = {outcome.history: outcome.findings[CLIENT_GO].get("cache") for outcome in outcomes}
    assert dict.fromkeys(caches, "as the server") == caches
    assert 5 <= len(caches)


def test_every_difference_from_client_go_has_its_reason(outcomes):
    assert [] == unexplained(outcomes)
