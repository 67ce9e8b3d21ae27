"""The churn writer over an API server that does not answer."""

import threading

import pytest

from bench.cluster import churn_writer
from bench.cluster.api import Api, ApiUnreachableError
from bench.cluster.churn_plan import ChurnPlan
from bench.cluster.placement import Placement
from bench.cluster.pods import draw_pods
from bench.supervision.waiting import wait_until


class Stalled(Api):
    """An API server that answers no write until ``thaw``, and then fails it."""

    def __init__(self) -> None:
        self.asked, self.thaw = threading.Event(), threading.Event()

    def request(self, *_args: object, **_options: object) -> dict:
        self.asked.set()
        self.thaw.wait()
        raise ApiUnreachableError("it was stalled")


def test_a_pause_is_bounded_and_counts_the_writes_in_flight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(churn_writer, "DRAIN_S", 0.01)
    api = Stalled()
    writer = churn_writer.Writer(api, ChurnPlan(draw_pods(1, 40), 1), Placement())
    writer.resume(100.0)
    assert api.asked.wait(10)
    report = writer.pause()
    assert (0, 0) == (report["written"], report["failed"])
    assert report["in_flight"] >= 1
    api.thaw.set()
    assert wait_until(lambda: writer.pause()["in_flight"] == 0, 10, 0.01)
