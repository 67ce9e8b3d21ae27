"""Differences between two answers, field by field."""

import pytest

from bench.sut.json_diff import differences


def found(left: object, right: object) -> list[str]:
    return list(differences({"direct": left, "informer": right}))


@pytest.mark.parametrize("value", [None, 1, "a", [], {}, {"a": [1, {"b": None}]}])
def test_equal_values_do_not_differ(value: object) -> None:
    assert [] == found(value, value)


def test_a_different_field_is_told_by_its_path_and_both_values() -> None:
    left = {"result": [{"status": {"phase": "Running"}}]}
    right = {"result": [{"status": {"phase": "Pending"}}]}
    assert ['result[0].status.phase: direct says "Running", informer says "Pending"'] == found(
        left, right
    )


def test_a_missing_field_is_not_the_same_as_null() -> None:
    assert ["a: direct says null, informer has nothing"] == found({"a": None}, {})


def test_a_field_too_many_is_told() -> None:
    assert ["b: direct has nothing, informer says 2"] == found({"a": 1}, {"a": 1, "b": 2})


def test_lists_of_unequal_length_are_told_with_their_lengths() -> None:
    assert ["a: direct has 1 entries, informer 2"] == found({"a": [1]}, {"a": [1, 2]})


def test_a_true_is_not_a_one() -> None:
    assert 1 == len(found({"a": True}, {"a": 1}))


def test_order_in_a_list_matters_and_order_of_fields_does_not() -> None:
    assert 2 == len(found([1, 2], [2, 1]))
    assert [] == found({"a": 1, "b": 2}, {"b": 2, "a": 1})
