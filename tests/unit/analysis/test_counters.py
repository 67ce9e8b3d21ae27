"""Differences between the marks: exact, and never a number where there is none."""

import pandas as pd
import pytest

from bench.analysis.counters import Marks, parse_labels


def marks(*rows):
    return Marks(pd.DataFrame(rows, columns=["mark", "source", "name", "labels", "value"]))


def test_a_counter_grows_by_end_minus_begin_for_each_series():
    found = marks(
        ("begin", "apiserver", "x_total", 'verb="LIST"', 10.0),
        ("end", "apiserver", "x_total", 'verb="LIST"', 13.0),
        ("end", "apiserver", "x_total", 'verb="GET"', 2.0),
    ).difference("apiserver", "x_total")
    assert {"LIST": 3.0, "GET": 2.0} == {one.labels["verb"]: one.value for one in found.series}
    assert 5.0 == found.total
    assert not found.reset


def test_a_metric_that_is_not_exposed_is_none_and_not_zero():
    there = marks(("begin", "etcd", "a", "", 1.0), ("end", "etcd", "a", "", 1.0))
    assert there.difference("etcd", "b") is None
    assert 0.0 == there.difference("etcd", "a").total


@pytest.mark.parametrize("mark", ["begin", "end"])
def test_a_single_mark_makes_no_difference(mark):
    assert marks((mark, "etcd", "a", "", 1.0)).difference("etcd", "a") is None


def test_a_counter_that_fell_was_reset_and_holds_what_came_since():
    found = marks(
        ("begin", "apiserver", "x_total", "", 100.0), ("end", "apiserver", "x_total", "", 7.0)
    ).difference("apiserver", "x_total")
    assert (7.0, True) == (found.total, found.reset)


def test_a_restart_is_noticed_even_where_the_counter_grew_past_its_old_value():
    found = marks(
        ("begin", "apiserver", "process_start_time_seconds", "", 1_000.0),
        ("end", "apiserver", "process_start_time_seconds", "", 1_060.0),
        ("begin", "apiserver", "x_total", "", 5.0),
        ("end", "apiserver", "x_total", "", 9.0),
    ).difference("apiserver", "x_total")
    assert (9.0, True) == (found.total, found.reset)


def test_a_gauge_may_fall():
    found = marks(
        ("begin", "apiserver", "open", "", 5.0), ("end", "apiserver", "open", "", 3.0)
    ).difference("apiserver", "open", gauge=True)
    assert (-2.0, False) == (found.total, found.reset)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ('code="200",verb="LIST"', {"code": "200", "verb": "LIST"}),
        (r'a="x\"y,z=\\",b=""', {"a": 'x"y,z=\\', "b": ""}),
        (r'a="one\ntwo"', {"a": "one\ntwo"}),
    ],
)
def test_labels_are_read_as_the_exposition_format_escapes_them(text, expected):
    assert expected == parse_labels(text)
