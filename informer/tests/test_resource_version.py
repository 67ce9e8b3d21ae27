"""Versions: equal, ordered, absent, huge, or no numbers at all."""

import pytest

from kube_informer.resource_version import older, reached

HUGE = "9" * 5000


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("9", "10", True),
        ("10", "9", False),
        ("7", "7", False),
        ("007", "8", True),
        ("0", "1", True),
        (HUGE, HUGE + "0", True),
        (HUGE + "0", HUGE, False),
        ("", "1", False),
        ("1", "", False),
        ("abc", "abd", False),
        ("-1", "1", False),
        ("1.5", "2", False),
        ("\u0661", "2", False),
    ],
)
def test_numbers_are_ordered_by_value_and_nothing_else_is(left, right, expected):
    assert expected is older(left, right)


@pytest.mark.parametrize(
    ("version", "minimum", "expected"),
    [
        ("10", "9", True),
        ("10", "10", True),
        ("9", "10", False),
        ("abc", "abc", True),
        ("abc", "abd", False),
        ("", "5", False),
        ("", "", True),
        ("5", "0", True),
    ],
)
def test_a_state_includes_every_version_not_after_its_own(version, minimum, expected):
    assert expected is reached(version, minimum)
