"""Session of Locust's page: what it reports of a test to the harness."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.load.client import Questions
from bench.load.connection import Address
from bench.load.models import Order
from bench.load.phases import Phase, PhaseSwitch
from bench.load.recorder import Recorder, Result, Row
from bench.load.routes import Ask

OPTIONS = {
    "route": "list-all",
    "rate": 0.0,
    "namespace": "",
    "selector": "",
    "arrivals": "constant",
    "outstanding": 100,
    "timeout_s": 30.0,
}


@pytest.fixture
def webui(monkeypatch):
    """The modules under test, whose import would otherwise patch this process."""
    monkeypatch.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")
    from bench.load.webui import rows, session

    monkeypatch.setattr(session, "SETTLE_S", 0.0)
    return SimpleNamespace(Collector=rows.Collector, Session=session.Session)


class Harness:
    """Gives the folder for the rows, and notes the pieces there at the end of each test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pieces_at_end: list[int] = []

    def ask(self, action: str, **_: object) -> dict[str, str]:
        if action == "end":
            self.pieces_at_end.append(len(list(self.folder.glob("direct-*.parquet"))))
        return {"folder": str(self.folder)}


def order() -> Order:
    questions = Questions([Ask("/pods", 1.0, "/pods")], Address.of("http://127.0.0.1:1"))
    return Order([questions], PhaseSwitch(), seed=1, timeout_s=1.0)


def test_the_last_rows_of_a_test_are_kept_if_another_starts_at_once(webui, tmp_path):
    user = SimpleNamespace(server="direct", order=order(), trouble=False)
    environment = SimpleNamespace(
        runner=None, user_classes=[], parsed_options=SimpleNamespace(**OPTIONS)
    )
    harness = Harness(tmp_path)
    session = webui.Session(environment, harness, webui.Collector(environment, [user]))
    session._started()
    phase = Phase("by-hand", recorder=Recorder(["/pods"]))
    user.order.switch.begin(phase)
    phase.ended(Row(phase.begin_s, phase.begin_s, phase.begin_s, 200, 9, 0, Result.OK))
    session._stopped()
    user.order = order()  # Locust's page makes it before it tells the session
    session._started()
    assert [1] == harness.pieces_at_end
