"""Form fields of this project: their check, and the requests that they narrow."""

import pytest

from bench.load.routes import Ask
from bench.load.webui.form import complaint, narrowed

GOOD = {
    "host": "",
    "route": "list-all",
    "namespace": "team-a",
    "selector": "app=web,tier!=db",
    "rate": "2.5",
    "arrivals": "poisson",
    "outstanding": "10",
    "timeout_s": "30",
    "seed": "-1",
    "user_count": "3",
}

LIST = Ask("/pods", 1.0, "/pods")
SELECTED = Ask("/pods?labelSelector=app%3Dapi", 2.0, "/pods?labelSelector=<selector>")
OF_A = Ask("/pods/a", 1.0, "/pods/<namespace>")
OF_B = Ask("/pods/b", 1.0, "/pods/<namespace>")
ONE = Ask("/pods/a/web-1", 1.0, "/pods/<namespace>/<name>")


def test_a_good_form_has_no_complaint():
    assert complaint(GOOD) is None
    assert complaint({}) is None


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("host", "http://127.0.0.1:1", "Leave Host empty"),
        ("route", "everything", "must be one of of the class, dashboard-mix"),
        ("arrivals", "random", "must be one of constant, poisson"),
        ("namespace", "../x", "must be a namespace's name"),
        ("selector", "a\nb", "printable"),
        ("rate", "fast", "Invalid rate value: 'fast' (must be a number)"),
        ("rate", "-1", "must be a number from 0 to 100000"),
        ("rate", "nan", "must be a number from 0 to 100000"),
        ("outstanding", "1.5", "must be an integer"),
        ("timeout_s", "0", "must be a number from 0.001 to 3600"),
    ],
)
def test_an_invalid_field_is_named_with_its_value_and_the_valid_ones(field, value, message):
    assert message in complaint(GOOD | {field: value})


@pytest.mark.parametrize(
    ("asks", "namespace", "expected"),
    [
        ((LIST, ONE), "", (LIST, ONE)),
        ((LIST,), "a", (OF_A,)),
        ((OF_A, OF_B, ONE), "a", (OF_A, ONE)),
        ((OF_A, ONE), "c", (Ask("/pods/c", 1.0, "/pods/<namespace>"),)),
    ],
    ids=["no namespace", "a list of all becomes its list", "its asks are kept", "it is listed"],
)
def test_a_namespace_narrows_the_asks_to_itself(asks, namespace, expected):
    assert expected == narrowed(asks, namespace, "")


def test_a_selector_is_added_to_every_list_or_replaces_its_selector():
    path = "/pods?labelSelector=app%3Dweb"
    assert [path, path] == [ask.path for ask in narrowed((LIST, SELECTED), "", "app=web")]


def test_a_selector_does_not_change_the_read_of_one_pod():
    assert (ONE,) == narrowed((ONE,), "", "app=web")
