"""The lines between the harness and the load process."""

import pytest

from bench.load.protocol import (
    Drained,
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

PROGRESS = Progress("measure", 1.5, 4.0, 100, 90, 3, 2, 5, 60.0)


@pytest.mark.parametrize(
    "message",
    [
        Ready(8),
        PROGRESS,
        Drained(0, 1.7e9, 10, 9, 1, 0, ("GET /pods: status 500",)),
        Refused("no"),
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
