"""Checks: each passes if the instrument finds the fault at its size, and fails if not."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bench.analysis import read_run
from bench.analysis.latency import Latencies
from bench.cluster.pods import draw_pods
from bench.model import NO_SERVER, AnswerCheck, Caveat, CaveatKind, MachineUse, Scenario
from bench.selftest import NAMES
from bench.selftest.calibrate import calibration_plan
from bench.selftest.checks import (
    CHECKS,
    MissingError,
    answers,
    churn,
    counts,
    latency,
    same,
    saturation,
    stale,
    stall,
)
from bench.selftest.findings import Calibration, Finding
from bench.store import Store
from tests.unit.analysis import synthetic
from tests.unit.analysis.synthetic import Arm, write_run
from tests.unit.store.builders import a_plan, a_run


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Reads a made-up run of servers that behave like ``arms``, under ``scenarios``."""

    def make(arms, scenarios, **how):
        monkeypatch.setattr(synthetic, "ARMS", {NO_SERVER: Arm(0, 0, 0), **arms})
        planned = tuple(
            Scenario(name, 60, "list-all", users=8, rate_rps=50.0, churn_per_s=2.0)
            for name in scenarios
        )
        reader = write_run(Store(tmp_path), servers=tuple(arms), scenarios=planned, **how)
        return read_run(reader)

    return make


def verdicts(findings):
    return [finding.verdict for finding in findings]


def test_the_getter_asks_for_a_stable_pod():
    pods = [pod.path for pod in draw_pods(1, 300) if pod.is_stable]
    assert pods[0] in calibration_plan("clients")


def test_every_calibration_has_a_check():
    assert set(NAMES) == set(CHECKS)


@pytest.mark.parametrize(("late_ms", "verdict"), [(7.0, "PASS"), (7.6, "FAIL"), (6.4, "FAIL")])
def test_a_delay_must_be_found_at_its_length(measured, late_ms, verdict):
    run = measured(
        {"prompt": Arm(0, 2.0, 5.0), "late": Arm(0, late_ms, 5.0)}, ["steady"], seconds=60.0
    )
    assert [verdict] == verdicts(latency(run))


@pytest.mark.parametrize(("again_ms", "verdict"), [(40.0, "PASS"), (60.0, "FAIL")])
def test_a_server_must_not_differ_from_itself(measured, again_ms, verdict):
    arms = {"direct": Arm(1, 40.0, 300.0), "direct-again": Arm(1, again_ms, 300.0)}
    run = measured(arms, ["watched", "unwatched"], rounds=5)
    judged = [finding for finding in same(run) if finding.passed is not None]
    assert {verdict} == set(verdicts(judged))


def test_rounds_that_are_too_noisy_are_no_proof(measured):
    arms = {"direct": Arm(1, 40.0, 300.0), "direct-again": Arm(1, 40.0, 300.0)}
    run = measured(arms, ["watched", "unwatched"], rounds=2, seconds=1.0)
    judged = next(iter(same(run)))
    assert "FAIL" == judged.verdict
    assert judged.found.endswith("too noisy to tell")


def test_the_observers_effect_is_stated_and_not_judged(measured):
    arms = {"direct": Arm(1, 40.0, 300.0), "direct-again": Arm(1, 40.0, 300.0)}
    run = measured(arms, ["watched", "unwatched"], rounds=5)
    stated = [finding for finding in same(run) if finding.verdict == "stated"]
    assert 3 == len(stated)
    assert all("on " in finding.found for finding in stated)


@pytest.mark.parametrize(("cpu_ms_per_s", "verdict"), [(0.0, "PASS"), (30.0, "FAIL")])
def test_writes_must_be_billed_to_no_server(measured, cpu_ms_per_s, verdict):
    run = measured({"direct": Arm(1, 5.0, cpu_ms_per_s), NO_SERVER: Arm(0, 0, 0)}, ["idle"])
    api, etcd = churn(run)
    assert (verdict, "PASS") == (api.verdict, etcd.verdict)


FLAWED = {"thrice": Arm(3.0, 5.0, 50.0), "hanging-up": Arm(0, 2.0, 5.0)}


def test_every_request_must_be_counted(measured):
    run = measured(
        FLAWED, ["steady"], rounds=1, seconds=20.0, unanswered={"hanging-up": {"failed": 10}}
    )
    assert ["PASS"] * 5 == verdicts(counts(run))


def test_a_ledger_that_misses_requests_and_a_wrong_number_of_failures_fail(measured):
    run = measured(
        FLAWED,
        ["steady"],
        rounds=1,
        seconds=20.0,
        upstream={"thrice": 2.9},
        unanswered={"hanging-up": {"failed": 20}},
    )
    assert ["PASS", "FAIL", "FAIL", "FAIL", "FAIL"] == verdicts(counts(run))


@pytest.mark.parametrize(
    ("half", "expected"),
    [
        (AnswerCheck(720, 350, 20, 10), ["PASS"] * 6),
        (AnswerCheck(720, 0, 20, 0), ["PASS", "FAIL", "PASS", "PASS", "PASS", "FAIL"]),
        (None, ["PASS", "FAIL", "PASS", "PASS", "PASS", "FAIL"]),
    ],
)
def test_wrong_answers_must_be_counted_and_void_the_run(tmp_path, half, expected):
    checks = {
        "faithful": AnswerCheck(720, 0, 20, 0),
        "half": half,
        "hundredth": AnswerCheck(720, 7, 20, 0),
        "all": AnswerCheck(720, 700, 20, 19),
        "padded": AnswerCheck(720, 9, 20, 9),
    }
    scenario = Scenario("steady", 60, "one-namespace", users=8, rate_rps=60.0)
    record = a_run(plan=a_plan(servers=tuple(checks), rounds=1, scenarios=(scenario,)))
    made = synthetic.Made(Store(tmp_path).create(record), record)
    for server, check in checks.items():
        wrong = (Caveat(CaveatKind.WRONG_ANSWERS, "x"),) if check and check.wrong else ()
        synthetic.write_trial(made, server, 1, scenario, answers=check, caveats=wrong)
    assert expected == verdicts(answers(read_run(Store(tmp_path).open(record.run))))


@pytest.mark.parametrize(
    ("late_ms", "busy", "verdict"), [(200.0, 1.0, "PASS"), (1.0, 1.0, "FAIL"), (200.0, 0.6, "FAIL")]
)
def test_a_starved_generator_and_its_machine_must_be_found(tmp_path, late_ms, busy, verdict):
    scenario = Scenario("steady", 60, "one-pod", users=8, rate_rps=50.0)
    record = a_run(plan=a_plan(servers=("prompt", "starved"), rounds=1, scenarios=(scenario,)))
    made = synthetic.Made(Store(tmp_path).create(record), record)
    use = {"prompt": MachineUse(0.5, 0.0, 0.1), "starved": MachineUse(busy, 0.0, 0.9)}
    for server, late in (("prompt", 0.1), ("starved", late_ms)):
        synthetic.write_trial(made, server, 1, scenario, machine=use[server], late_ms=late)
    findings = saturation(read_run(Store(tmp_path).open(record.run)))
    assert ["PASS", verdict] == verdicts(findings)


def a_run_of(**data):
    """Return a run that has only the data that the check reads, by scenario and server."""

    def data_of(scenario, server, *_):
        return data.get(f"{scenario}_{server}")

    reader = SimpleNamespace(observed=lambda trial, *_: trial)
    return SimpleNamespace(
        times=data_of, of_arm=data_of, reader=reader, record=SimpleNamespace(run="made-up")
    )


def waits(stalled_share, longest_ms, n=2000):
    stalled = np.linspace(0, longest_ms, round(n * stalled_share))
    return Latencies(np.sort(np.concatenate([np.full(n - len(stalled), 3.0), stalled])))


@pytest.mark.parametrize(
    ("opened", "closed", "expected"),
    [
        (waits(0.1, 1000), waits(0.002, 1000), ["PASS", "PASS"]),
        (waits(0.002, 1000), waits(0.002, 1000), ["FAIL", "PASS"]),
        (waits(0.1, 1000), waits(0.1, 1000), ["PASS", "FAIL"]),
        (waits(0.1, 1000, n=100), waits(0.1, 1000, n=100), ["FAIL", "FAIL"]),
    ],
)
def test_the_open_model_must_show_a_stall_and_the_closed_hide_it(opened, closed, expected):
    run = a_run_of(open_stalling=opened, closed_stalling=closed)
    assert expected == verdicts(stall(run))


@pytest.mark.parametrize(
    ("low", "high", "first_stale", "expected"),
    [
        (505.0, 515.0, 30, ["PASS", "PASS"]),
        (400.0, 410.0, 30, ["FAIL", "PASS"]),
        (505.0, 600.0, 29, ["FAIL", "FAIL"]),
    ],
)
def test_an_old_answer_must_be_found_at_its_age(low, high, first_stale, expected):
    rows = pd.DataFrame({"acked_us": range(0, 30_000, 1_000), "reads": 1, "event_us": np.nan})
    rows["first_stale"] = np.arange(30) < first_stale
    rows["stale_sent_us"] = rows["acked_us"] + low * 1e3
    rows["fresh_done_us"] = rows["acked_us"] + high * 1e3
    assert expected == verdicts(stale(a_run_of(watched_stale=[SimpleNamespace(trial=rows)])))


def test_a_run_without_the_arm_is_an_error():
    with pytest.raises(MissingError, match="made-up has no good trial of stale under watched"):
        list(stale(a_run_of()))


def test_a_stated_finding_does_not_count_and_no_judged_finding_is_no_pass():
    good, stated, bad = (
        Finding("a", "b", "c | d", "e", passed=passed) for passed in (True, None, False)
    )

    def calibration(*findings):
        return Calibration(1, "now", "1.37.2", 2, ("run",), findings)

    assert [True, False, False] == [
        calibration(good, stated).passed,
        calibration(stated).passed,
        calibration(good, bad).passed,
    ]
    page = calibration(good, bad).as_markdown()
    assert "did NOT find every fault" in page
    assert "| a | b | c \\| d | e | PASS |" in page
    assert calibration(good).as_json()["findings"][0]["found"] == "c | d"


def test_a_busy_machine_is_remarked_as_a_reason_for_failures():
    calm = Calibration(1, "now", "1.37.2", 2, ("run",), ())
    busy = Calibration(1, "now", "1.37.2", 2, ("run",), (), busy_trials=3)
    assert "" == calm.remark
    assert "before 3 of the trials" in busy.as_markdown()
