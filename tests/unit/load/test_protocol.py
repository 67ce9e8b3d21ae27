"""Messages between the harness and the load process."""

import msgspec
import pytest

from bench.load.protocol import Drained, Lost, Measured, Message, Order, Ready
from bench.model import LoadWorker

WORKER = LoadWorker("gamma", 50, 48, 1, 1, 0.1, 1.5, -3_000, 100, 20)
COUNTS = {"sent": 50, "answered": 48, "failed": 1, "dropped": 1, "in_flight": 0}
MEASURED = Measured(
    **COUNTS,
    window_begin_epoch_s=100.0,
    window_begin_monotonic_s=50.0,
    window_end_epoch_s=110.0,
    window_s=10.0,
    drained_epoch_s=110.5,
    requested_rps=5.0,
    achieved_rps=4.8,
    schedule_lag_p99_ms=1.5,
    cpu_s=1.0,
    cpu_share=0.1,
    requests_file="requests.parquet",
    first_failures=("GET /pods: status 500",),
    workers=(WORKER,),
)


@pytest.mark.parametrize(
    "message", [Ready(8), Lost("gone"), Drained(**COUNTS, first_failures=("a",)), MEASURED]
)
def test_a_message_is_decoded_unchanged(message):
    assert message == msgspec.json.decode(msgspec.json.encode(message), type=Message)


def test_a_message_names_its_event():
    assert {"event": "ready", "users": 8} == msgspec.json.decode(msgspec.json.encode(Ready(8)))


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"garbage", "malformed"),
        (b"[1]", "Expected `object`"),
        (b'{"do": "dance", "seconds": 1}', "Invalid enum value 'dance' - at `\\$.do`"),
        (b'{"do": "measure"}', "missing required field `seconds`"),
        (b'{"do": "measure", "seconds": "5"}', "Expected `float`, got `str`"),
        (b'{"do": "warmup", "seconds": -1}', "Expected `float` > 0"),
    ],
)
def test_an_invalid_order_is_refused_with_the_reason(line, complaint):
    with pytest.raises(msgspec.DecodeError, match=complaint):
        msgspec.json.decode(line, type=Order)
