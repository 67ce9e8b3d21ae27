"""Models of load, led by the test as Locust's loop would lead them."""

from bench.load.client import Questions
from bench.load.connection import Address
from bench.load.models import OpenModel, Order
from bench.load.phases import Phase, PhaseSwitch
from bench.load.routes import Ask


def test_an_arrival_is_due_until_its_request_is_under_way():
    """Otherwise a window that ends in between would lack its last row."""
    questions = Questions([Ask("/pods", 1.0, "/pods")], Address.of("http://127.0.0.1:1"))
    order = Order([questions], PhaseSwitch(), seed=1, timeout_s=1.0, rate_rps=1.0)
    model = OpenModel(order, lambda *_: None)
    order.switch.begin(Phase("measure", 1.0))
    model.wait_s()
    model.step()
    assert model.are_due()
