"""Differences between the marks: exact, and ``None`` where there is no value."""

import pandas as pd
import pytest

from bench.analysis.counters import Marks, parse_labels


def marks(*rows):
    return Marks(pd.DataFrame(rows, columns=["mark", "source", "name", "labels", "value"]))


def test_a_counter_grows_by_end_minus_begin_for_each_series():
    grown = marks(
        ("begin", "apiserver", "x_total", 'verb="LIST"', 10.0),
        ("end", "apiserver", "x_total", 'verb="LIST"', 13.0),
        ("end", "apiserver", "x_total", 'verb="GET"', 2.0),
    ).difference("apiserver", "x_total")
    assert {"LIST": 3.0, "GET": 2.0} == {
        series.labels["verb"]: series.value for series in grown.series
    }
    assert not grown.reset


def test_a_metric_that_is_not_exposed_is_none_and_not_zero():
    scraped = marks(("begin", "etcd", "a", "", 1.0), ("end", "etcd", "a", "", 1.0))
    assert scraped.difference("etcd", "b") is None
    assert [0.0] == [series.value for series in scraped.difference("etcd", "a").series]


@pytest.mark.parametrize("mark", ["begin", "end"])
def test_a_single_mark_makes_no_difference(mark):
    assert marks((mark, "etcd", "a", "", 1.0)).difference("etcd", "a") is None


@pytest.mark.parametrize(
    ("begin", "end", "started", "gauge", "expected"),
    [
        (100.0, 7.0, (1_000.0, 1_000.0), False, (7.0, True)),  # what came since it fell
        (5.0, 9.0, (1_000.0, 1_060.0), False, (9.0, True)),  # grown past its old value since
        (5.0, 3.0, (1_000.0, 1_000.0), True, (-2.0, False)),  # a gauge may fall
    ],
)
def test_a_counter_that_began_anew_holds_what_came_since(begin, end, started, gauge, expected):
    grown = marks(
        ("begin", "apiserver", "process_start_time_seconds", "", started[0]),
        ("end", "apiserver", "process_start_time_seconds", "", started[1]),
        ("begin", "apiserver", "x_total", "", begin),
        ("end", "apiserver", "x_total", "", end),
    ).difference("apiserver", "x_total", gauge=gauge)
    assert expected == (grown.series[0].value, grown.reset)


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
