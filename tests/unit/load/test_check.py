"""Check of whole bodies."""

import json

import pytest

from bench.load.client import BodyCheck, ImplausibleBodyError


def answer(result, code=200):
    return json.dumps({"code": code, "message": "pong", "result": result}).encode()


def pods(number):
    return [{"metadata": {"name": f"pod-{index}", "namespace": "ns"}} for index in range(number)]


@pytest.mark.parametrize("path", ["/pods", "/pods/ns", "/pods?labelSelector=a%3Db"])
def test_lists_of_about_the_first_size_are_plausible(path):
    check = BodyCheck()
    for number in (10, 12, 7, 20, 5):
        check.check(path, answer(pods(number)))


@pytest.mark.parametrize(("number", "complaint"), [(0, "empty"), (4, "4 entries, 10"), (21, "21")])
def test_a_list_of_a_very_different_size_is_implausible(number, complaint):
    check = BodyCheck()
    check.check("/pods", answer(pods(10)))
    with pytest.raises(ImplausibleBodyError, match=complaint):
        check.check("/pods", answer(pods(number)))


def test_sizes_are_compared_per_path():
    check = BodyCheck()
    check.check("/pods", answer(pods(100)))
    check.check("/pods/ns", answer(pods(3)))


def test_the_requested_pod_is_plausible_and_another_is_not():
    check = BodyCheck()
    check.check("/pods/ns/pod-0", answer(pods(1)[0]))
    with pytest.raises(ImplausibleBodyError, match="the pod is ns/pod-0"):
        check.check("/pods/ns/pod-1", answer(pods(1)[0]))


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        ("/pods", b'{"code": 200, "result": [1, 2', "not the answer promised"),
        ("/pods", b"<html>hello</html>", "not the answer promised"),
        ("/pods", b'{"result": [1]}', "missing required field `code`"),
        ("/pods", answer("text"), "not the answer promised"),
        ("/pods", answer(pods(1), code=500), "code 500 under status 200"),
        ("/pods", answer(pods(1)[0]), "a list was asked for, one object came"),
        ("/pods/ns/pod-0", answer(pods(1)), "one pod was asked for, a list came"),
        ("/pods/ns/pod-0", answer({"spec": {}}), "no usable metadata"),
    ],
)
def test_an_implausible_body_is_refused_with_the_reason(path, body, complaint):
    with pytest.raises(ImplausibleBodyError, match=complaint):
        BodyCheck().check(path, body)
