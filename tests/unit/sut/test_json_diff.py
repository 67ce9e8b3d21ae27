"""Differences between two answers, field by field."""

import pytest

from bench.sut.json_diff import differences


def differences_of(left: object, right: object) -> list[str]:
    return list(differences({"direct": left, "informer": right}))


@pytest.mark.parametrize("value", [None, 1, "a", [], {}, {"a": [1, {"b": None}]}])
def test_equal_values_do_not_differ(value: object) -> None:
    assert [] == differences_of(value, value)


@pytest.mark.parametrize(
    ("left", "right", "difference"),
    [
        (
            {"result": [{"status": {"phase": "Running"}}]},
            {"result": [{"status": {"phase": "Pending"}}]},
            'result[0].status.phase: direct says "Running", informer says "Pending"',
        ),
        ({"a": None}, {}, "a: direct says null, informer has nothing"),
        ({"a": 1}, {"a": 1, "b": 2}, "b: direct has nothing, informer says 2"),
        ({"a": [1]}, {"a": [1, 2]}, "a: direct has 1 entries, informer 2"),
        ({"a": True}, {"a": 1}, "a: direct says true, informer says 1"),
    ],
)
def test_a_difference_is_reported_by_its_path_and_both_values(
    left: object, right: object, difference: str
) -> None:
    assert [difference] == differences_of(left, right)


def test_order_in_a_list_matters_and_order_of_fields_does_not() -> None:
    assert 2 == len(differences_of([1, 2], [2, 1]))
    assert [] == differences_of({"a": 1, "b": 2}, {"b": 2, "a": 1})
