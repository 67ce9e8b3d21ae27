"""Watch lines: split from chunks of any size, decoded one by one."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informer.tests.shapes import EXPIRED, TOO_LARGE, bookmark, line, pod
from kube_informer.errors import UndecodableError
from kube_informer.events import LineBuffer, decode_bookmark, decode_event, decode_status


@given(
    lines=st.lists(st.binary(min_size=1).filter(lambda b: b"\n" not in b)),
    cuts=st.lists(st.integers(min_value=0, max_value=200)),
)
def test_lines_are_the_same_for_any_cuts_of_the_bytes(lines, cuts):
    data = b"".join(text + b"\n" for text in lines)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    buffer = LineBuffer()
    fed = []
    for start, stop in pairwise(edges):
        fed += buffer.feed(data[start:stop])
    assert lines == fed


def test_blank_lines_are_left_out():
    assert [b"a", b"b"] == LineBuffer().feed(b"\na\n\nb\n\n")


def test_an_annotation_marks_the_end_of_the_initial_events():
    event = decode_event(bookmark(7, initial_end=True))
    assert ("7", True) == decode_bookmark(event.object)
    assert ("8", False) == decode_bookmark(decode_event(bookmark(8)).object)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"type":1,"object":{}}', b'{"object":{}}', b"\xff\xfe", b"null"]
)
def test_a_line_that_is_no_event_is_refused_with_its_first_bytes_shown(data):
    with pytest.raises(UndecodableError, match="not a watch event"):
        decode_event(data)


def test_expired_and_too_large_are_distinguished():
    expired = decode_status(json.dumps(EXPIRED).encode())
    too_large = decode_status(json.dumps(TOO_LARGE).encode())
    assert (True, False) == (expired.is_expired, expired.is_too_large)
    assert (False, True) == (too_large.is_expired, too_large.is_too_large)


def test_a_plain_timeout_is_not_a_version_too_large():
    status = decode_status(b'{"code":504,"reason":"Timeout","message":"request timed out"}')
    assert not status.is_too_large


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'{"code":"x"}'])
def test_a_body_that_is_no_status_keeps_the_http_code(body):
    assert 502 == decode_status(body, 502).code


@pytest.mark.parametrize("form", ['{"code":401,"message":"token %s has expired"}', "<p>%s</p>"])
def test_a_token_that_a_server_repeats_is_redacted(form):
    status = decode_status((form % "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln").encode(), 401)
    assert (401, False) == (status.code, "eyJ" in status.message)


def test_an_event_nested_too_deeply_is_undecodable():
    deep = '{"type":"ADDED","object":{"kind":"X","x":' + "[" * 9000 + "]" * 8999 + "}}"
    with pytest.raises(UndecodableError, match="not a watch event"):
        decode_event(deep.encode())


def test_the_object_of_an_event_is_kept_as_it_came():
    item = pod("x", 1)
    assert json.dumps(item).encode() == bytes(decode_event(line("ADDED", item)).object)
