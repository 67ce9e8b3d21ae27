"""The lines between the harness and the load process."""

import pytest

from bench.load.protocol import (
    Drained,
    Listening,
    Lost,
    Measured,
    Order,
    Progress,
    ProtocolError,
    Ready,
    Refused,
    decode,
    decode_order,
    encode,
    encode_order,
)
from bench.model import LoadWorker

WORKER = LoadWorker("gamma", 50, 48, 1, 1, 0.1, 1.5, -3_000, 100, 20)
MEASURED = Measured(
    window_begin_epoch_s=100.0,
    window_begin_monotonic_s=50.0,
    window_end_epoch_s=110.0,
    window_s=10.0,
    drained_epoch_s=110.5,
    sent=50,
    answered=48,
    failed=1,
    dropped=1,
    in_flight=0,
    requested_rps=5.0,
    achieved_rps=4.8,
    schedule_lag_p99_ms=1.5,
    cpu_s=1.0,
    cpu_share=0.1,
    requests_file="requests.parquet",
    first_failures=("GET /pods: status 500",),
    workers=(WORKER,),
)
PROGRESS = Progress("measure", 1.5, 4.0, 100, 90, 3, 2, 5, 60.0)


@pytest.mark.parametrize(
    "message",
    [
        Ready(8),
        PROGRESS,
        Drained(0, 1.7e9, 10, 9, 1, 0, ("GET /pods: status 500",)),
        Refused("no"),
        Listening(5557),
        Lost("the load worker gamma is gone"),
        MEASURED,
    ],
)
def test_a_message_comes_back_as_it_was_sent_in_one_line(message):
    line = encode(message)
    assert line.endswith("\n")
    assert 1 == line.count("\n")
    assert message == decode(line)


@pytest.mark.parametrize("order", [Order("warmup", 2.5), Order("measure", 1.0), Order("stop")])
def test_an_order_comes_back_as_it_was_sent(order):
    assert order == decode_order(encode_order(order))


@pytest.mark.parametrize(
    "line", ["", "garbage", "[]", "{}", '{"event": "unknown"}', '{"event": "ready", "x": 1}']
)
def test_a_line_that_is_no_message_is_refused(line):
    with pytest.raises(ProtocolError, match="not a message of the load process"):
        decode(line)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("garbage", "an order is a JSON object"),
        ("[1]", "'do' is one of warmup, measure, progress, stop"),
        ('{"do": "dance"}', "'do' is one of warmup"),
        ('{"do": "measure"}', "'seconds' of 'measure' is above 0, not 0"),
        ('{"do": "measure", "seconds": "5"}', "not '5'"),
        ('{"do": "warmup", "seconds": -1}', "not -1"),
        ('{"do": "warmup", "seconds": NaN}', "not nan"),
    ],
)
def test_an_order_that_cannot_be_followed_says_why(line, complaint):
    with pytest.raises(ProtocolError, match=complaint):
        decode_order(line)
