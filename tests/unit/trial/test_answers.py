"""Every answer of a window is judged by the pods that the cluster held."""

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest

from bench.cluster.churn import ChurnReport
from bench.load.routes import Ask
from bench.model import AnswerCheck, CaveatKind
from bench.trial.answers import PodSizes, WindowChanges, answer_caveats, expected_answers, judge

POD_BYTES = 5_000
NAMES = [("a", f"pod-{number}") for number in range(30)] + [("b", "pod-0")]
ASKS = (
    Ask("/pods", 1.0, "/pods"),
    Ask("/pods/a", 1.0, "/pods/<namespace>"),
    Ask("/pods/b/pod-0", 1.0, "/pods/<namespace>/<name>"),
    Ask("/pods?labelSelector=app%3Dx", 1.0, "/pods?labelSelector=<selector>"),
)
QUIET = WindowChanges(missing=0, changed=0)


def pod(namespace: str, name: str) -> dict[str, Any]:
    empty = {"metadata": {"namespace": namespace, "name": name}, "spec": ""}
    return {**empty, "spec": "x" * (POD_BYTES - len(json.dumps(empty, separators=(",", ":"))))}


def body(result: Any) -> bytes:
    answer = {"code": 200, "message": "pong", "result": result}
    return json.dumps(answer, separators=(",", ":")).encode()


EXPECTED = expected_answers(
    ASKS, PodSizes.of(body([pod(*name) for name in NAMES])), lambda _: {NAMES[0], ("gone", "pod")}
)


def rows(answers: Sequence[tuple[int, int, int | None]], outcome: str = "ok") -> pd.DataFrame:
    """Return rows of the load: each a question, a size and, where it was read, its pods."""
    asks, sizes, entries = zip(*answers, strict=True)
    columns = {
        "ask": asks,
        "bytes": sizes,
        "entries": pd.Series(entries, dtype=float),
        "route": [ASKS[ask].label for ask in asks],
        "done_us": [500_000] * len(asks),
        "outcome": outcome,
    }
    return pd.DataFrame(columns)


def report(**changes: Any) -> ChurnReport:
    values: dict[str, Any] = dict.fromkeys(ChurnReport.__annotations__, 0)
    return ChurnReport(**(values | changes))


@pytest.mark.parametrize(
    ("ask", "result"),
    [
        (0, [pod(*name) for name in NAMES]),
        (1, [pod(*name) for name in NAMES[:30]]),
        (2, pod("b", "pod-0")),
        (3, [pod(*NAMES[0])]),
    ],
)
def test_the_right_answer_to_each_question_is_known_to_the_byte(ask: int, result: Any) -> None:
    assert len(body(result)) == EXPECTED[ask].size
    check, wrong = judge(
        rows([(ask, EXPECTED[ask].size, len(result) if ask != 2 else 1)]),
        EXPECTED,
        QUIET,
        read=1,
        wrong=0,
    )
    assert (AnswerCheck(judged=1, wrong=0, read=1, wrong_when_read=0), []) == (check, wrong)


def test_one_answer_in_a_hundred_that_lacks_a_tenth_of_its_pods_is_found_by_its_size() -> None:
    whole = EXPECTED[0].size
    answers = [(0, whole, None)] * 99 + [(0, round(0.9 * whole), None)]
    check, (wrong,) = judge(rows(answers), EXPECTED, QUIET, read=0, wrong=0)
    assert (100, 1) == (check.judged, check.wrong)
    assert "/pods at second 0.50: 139," in wrong


def test_writes_to_every_pod_do_not_hide_that_a_twentieth_is_missing() -> None:
    whole = EXPECTED[0].size
    changes = WindowChanges(missing=0, changed=10 * len(NAMES))
    answers = [(0, round(share * whole), None) for share in (0.95, 0.98, 1.02, 1.05)]
    check, _ = judge(rows(answers), EXPECTED, changes, read=0, wrong=0)
    assert (4, 2) == (check.judged, check.wrong)


def test_an_answer_of_the_right_size_without_its_pods_is_found_when_it_is_read() -> None:
    whole = EXPECTED[0].size
    answers = [(0, whole, 31), (0, whole, 30), (0, whole, None)]
    check, (wrong,) = judge(rows(answers), EXPECTED, QUIET, read=2, wrong=0)
    assert AnswerCheck(judged=3, wrong=1, read=2, wrong_when_read=1) == check
    assert "30 pods in 155," in wrong


def test_pods_that_churn_had_taken_away_are_not_missed() -> None:
    reports = [report(fewest=29, most=30, written=4), report(fewest=28, most=30)]
    changes = WindowChanges.during(reports)
    assert WindowChanges(missing=2, changed=4) == changes
    two_less = EXPECTED[0].size - 2 * (POD_BYTES + 1)
    check, _ = judge(rows([(0, two_less, 29)]), EXPECTED, changes, read=1, wrong=0)
    assert 0 == check.wrong
    check, _ = judge(rows([(0, two_less, 28)]), EXPECTED, changes, read=1, wrong=0)
    assert 1 == check.wrong


def test_a_list_is_never_all_gone() -> None:
    few = PodSizes.of(body([pod(*name) for name in NAMES[:2]]))
    expected = expected_answers(ASKS[:2], few, lambda _: set())
    changes = WindowChanges(missing=5, changed=100)
    one_left, none_left = len(body([pod(*NAMES[0])])), len(body([]))
    check, _ = judge(
        rows([(1, one_left, None), (1, none_left, None)]), expected, changes, read=0, wrong=0
    )
    assert (2, 1) == (check.judged, check.wrong)


def test_a_write_that_failed_or_was_in_flight_may_have_been_carried_out() -> None:
    assert WindowChanges(missing=3, changed=7) == WindowChanges.during(
        [report(fewest=29, most=30, written=5, failed=1, in_flight=1)]
    )


def test_a_pod_that_lasts_is_never_missing() -> None:
    changes = WindowChanges(missing=5, changed=100)
    check, _ = judge(rows([(2, 46, None)]), EXPECTED, changes, read=0, wrong=0)
    assert 1 == check.wrong


def test_answers_that_failed_are_judged_as_failures_and_not_by_their_size() -> None:
    check, _ = judge(rows([(0, 41, None)], outcome="failed"), EXPECTED, QUIET, read=3, wrong=1)
    assert AnswerCheck(judged=1, wrong=1, read=3, wrong_when_read=1) == check


def test_answers_to_questions_without_a_known_answer_are_counted_and_reported() -> None:
    check, wrong = judge(rows([(0, 41, None)]), {}, QUIET, read=0, wrong=0)
    assert (0, 1) == (check.judged, check.unjudged)
    ((kind, text),) = answer_caveats(check, wrong, ())
    assert CaveatKind.ANSWERS_UNCHECKED is kind
    assert text.startswith("1 answers of the window")


def test_wrong_answers_are_reported_with_their_number_and_the_first_of_them() -> None:
    check = AnswerCheck(judged=70, wrong=35, read=20, wrong_when_read=11)
    ((kind, text),) = answer_caveats(check, ["/pods: 41 bytes"], ["status 500", "implausible: x"])
    assert CaveatKind.WRONG_ANSWERS is kind
    assert text.startswith("35 of 70 answers")
    assert text.endswith("/pods: 41 bytes; implausible: x")
