"""``bench gate`` and ``bench compare`` as a user calls them: output, files and exit codes."""

import json
import re
import shutil
from dataclasses import replace

import pytest

from bench.cli import main
from bench.gate.compare import side_by_side
from bench.model import FaultRecord, Objects, Scenario
from bench.run.resume import ResumeError
from tests.unit.analysis.synthetic import ARMS
from tests.unit.gate.summaries import SCENARIO, a_summary

STEADY = Scenario(
    name="steady", route="list-all", users=8, pods=100, rate_rps=50.0, churn_per_s=2.0
)
BESIDE = ("direct", "informer", "informer@base")
JUDGED = ("requests", "audit", "scrapes", "samples")
RULES = """\
name = "mine"
description = "What must hold."
looks = [4, 8, 12]

[[rules]]
name = "reads are no slower than before"
scenario = "steady"
arm = "informer"
metric = "p50"
against = "base"
relative = 0.1

[[rules]]
name = "the informer answers from its cache"
scenario = "steady"
arm = "informer"
metric = "api_requests"
per_1000 = true
against = "direct"
at_most = 0.05
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "gate.toml").write_text(RULES)
    return tmp_path


@pytest.fixture
def a_run(root, written_run):
    """Return a function that puts a run among the results under a given name."""

    def make(name, **changes):
        usual = {"rounds": 4, "scenarios": (STEADY,), "servers": BESIDE, "tables": JUDGED}
        changes = usual | changes
        folder = root / "results" / name
        shutil.copytree(written_run(**changes).folder, folder)
        record = json.loads((folder / "run.json").read_text()) | {"run": name}
        (folder / "run.json").write_text(json.dumps(record))
        return folder

    return make


def call(root, *arguments):
    folders = ("--results", str(root / "results"), "--reports", str(root / "reports"))
    return main([*arguments, *folders])


def gate(root, run, *arguments):
    return call(root, "gate", run, "--rules", str(root / "gate.toml"), *arguments)


def slower(latency_ms):
    slow = replace(ARMS["informer"], latency_ms=latency_ms)
    return {"informer": slow, "informer@base": ARMS["informer"]}


def failing(server, how, number):
    """Let so many of the 400 reads of each trial of ``server`` fail."""
    return {"unanswered": {server: {how: number}}}


@pytest.mark.parametrize(
    ("latency_ms", "code", "text"),
    [
        (2.0, 0, "PASS: all 2 rules hold"),
        (2.6, 10, "FAIL: 1 of 2 rules broken"),
        (2.2, 11, "INCONCLUSIVE: 1 of 2 rules not decided"),
    ],
)
def test_the_outcome_is_the_exit_code(root, a_run, capsys, latency_ms, code, text):
    a_run("after", arms=slower(latency_ms))
    assert code == gate(root, "after")
    assert text in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"rounds": 1}, "too few"),
        ({"equality": False}, "answers differ"),
        ({"upstream": {"direct": 1.5}}, "ledgers disagree"),
        ({"servers": ("direct", "none")}, "no good trial of 'informer'"),
        ({"tables": ("audit", "scrapes", "samples")}, "no p50 of informer"),
        ({"skip": [("informer", 2)]}, "run incomplete"),
        (failing("informer", "failed", 120), "480 of 1,600 reads of informer failed, timed out"),
        (failing("informer@base", "dropped", 5), "20 of 1,600 reads of informer@base failed"),
        (failing("direct", "timeout", 8), "32 of 1,600 reads of direct failed"),
    ],
)
def test_what_carries_no_judgement_is_invalid_with_12(root, a_run, capsys, changes, text):
    a_run("flawed", **changes)
    assert 12 == gate(root, "flawed")
    out = " ".join(capsys.readouterr().out.split())
    assert "INVALID" in out
    assert text in (root / "reports" / "flawed" / "gate-mine.json").read_text()


@pytest.mark.parametrize(("server", "number"), [("informer", 4), ("direct-rv0", 120)])
def test_a_single_failure_and_those_of_an_arm_without_a_rule_void_nothing(
    root, a_run, server, number
):
    a_run("one", servers=(*BESIDE, "direct-rv0"), **failing(server, "failed", number))
    assert 0 == gate(root, "one")


def test_without_the_base_that_a_rule_needs_it_is_invalid(root, a_run):
    a_run("one", servers=("direct", "informer"))
    assert 12 == gate(root, "one")


def test_a_run_whose_scenarios_all_have_a_fault_is_invalid_and_says_so(root, a_run, capsys):
    fault = FaultRecord("freeze", "the API server was frozen", 3.0, 5.0)
    a_run("faults", scenarios=(replace(STEADY, fault="freeze", fault_at_s=3.0),), fault=fault)
    assert 12 == call(root, "gate", "faults", "--rules", "pull-request")
    assert "each has a fault under load" in " ".join(capsys.readouterr().out.split())


def test_a_run_of_which_trials_were_deleted_by_hand_is_invalid(root, a_run, capsys):
    folder = a_run("one")
    shutil.rmtree(folder / "trials" / "001-steady-informer-r0")
    assert 12 == gate(root, "one")
    assert "11 of 12 trials were made" in " ".join(capsys.readouterr().out.split())


def test_a_run_of_which_a_record_was_broken_by_hand_is_a_usage_error(root, a_run, capsys):
    folder = a_run("one")
    record = folder / "trials" / "001-steady-informer-r0" / "trial.json"
    record.write_text(record.read_text().replace('"answered": ', '"answerd": '))
    assert 2 == gate(root, "one")
    err = capsys.readouterr().err
    assert "trial.json: key answerd: not a key of this record" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("rules", "error"),
    [
        (RULES.replace('"p50"', '"p5O"'), "gate.toml:9: there is no metric 'p5O' (the nearest is"),
        ("", "a rules file needs at least one [[rules]] table"),
    ],
)
def test_rules_that_are_not_valid_are_a_usage_error(root, a_run, capsys, rules, error):
    a_run("one")
    (root / "gate.toml").write_text(rules)
    assert 2 == gate(root, "one")
    assert error in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("gate", "two"), ("compare", "one", "two")])
def test_an_unknown_run_is_a_usage_error(root, a_run, capsys, arguments):
    a_run("one")
    assert 2 == call(root, *arguments)
    assert "no run 'two'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--load-workers", "2"), "load options need --buy"),
        (("--buy", "--load-workers", "2"), "was made by one process; it cannot be resumed with"),
        (("--buy", "--load-bind", "127.0.0.2"), "--expect-load-workers"),
    ],
)
def test_rounds_are_bought_with_the_load_of_the_run_or_not_at_all(
    root, a_run, capsys, options, error
):
    a_run("one")
    assert 2 == gate(root, "one", *options)
    assert error in capsys.readouterr().err


def test_the_latest_run_stays_the_same_when_another_one_starts_meanwhile(root, a_run, monkeypatch):
    a_run("one", arms=slower(2.2))

    def resume_run(run, **_):
        a_run("two")
        raise ResumeError("another machine")

    monkeypatch.setattr("bench.cli.gate.resume_run", resume_run)
    assert 11 == gate(root, "latest", "--buy")
    assert (root / "reports" / "one" / "gate-mine.json").exists()


def test_all_forms_say_the_same_outcome(root, a_run, capsys):
    a_run("one")
    code = gate(root, "one")
    folder = root / "reports" / "one"
    record = json.loads((folder / "gate-mine.json").read_text())
    assert (code, "PASS") == (record["exit_code"], record["outcome"])
    lead = "PASS: all 2 rules hold"
    assert lead in capsys.readouterr().out
    for form in ("gate-mine.md", "gate-mine.html"):
        assert lead in (folder / form).read_text()
    for row in record["rows"]:
        assert None not in (row["observed"], row["low"], row["high"], row["limit"], row["margin"])


def test_names_from_a_run_are_escaped_in_every_form(root, a_run):
    nasty = RULES.replace("no slower than before", "<img src=x> | *no* @somebody")
    (root / "gate.toml").write_text(nasty)
    a_run("one")
    gate(root, "one")
    folder = root / "reports" / "one"
    assert "<img" not in (folder / "gate-mine.html").read_text()
    markdown = (folder / "gate-mine.md").read_text()
    assert r"\<img src=x\> \| \*no\* @" + "\u200bsomebody" in markdown


def test_compare_shows_both_runs_and_says_what_cannot_be_compared(root, a_run, capsys):
    a_run("before", servers=("direct", "direct-rv0", "informer"))
    more = Scenario(name="more", route="list-all", users=8, pods=100)
    a_run("after", arms=slower(2.6), scenarios=(STEADY, more), servers=("direct", "informer"))
    assert 0 == call(root, "compare", "before", "after")
    out = capsys.readouterr().out
    assert "scenario more is in after only" in out
    assert "steady, direct-rv0: has good trials in before only" in out
    written = (root / "reports" / "after" / "compare-before.md").read_text()
    row = r"\| Latency p50, from the intended start \| informer \| 2\.\d+ ms \| 2\.\d+ ms \| \+\d"
    assert re.search(row, written)
    assert (root / "reports" / "after" / "compare-before.html").exists()


def test_compare_prints_what_differs_first_and_the_rest_on_demand(root, a_run, capsys):
    a_run("before")
    a_run("after", arms=slower(2.6))
    assert 0 == call(root, "compare", "before", "after")
    brief = capsys.readouterr().out
    assert "Latency p50" in brief
    assert "no difference shown" not in brief
    assert "figures that show no difference are not listed (--all)" in brief
    assert 0 == call(root, "compare", "before", "after", "--all")
    whole = capsys.readouterr().out
    assert whole.index("Latency p50") < whole.index("no difference shown")
    assert "not listed" not in whole
    written = (root / "reports" / "after" / "compare-before.md").read_text()
    assert "no difference shown" in written


def test_compare_says_that_environments_and_questions_differ(root, a_run, capsys):
    a_run("one")
    other = a_run("other", scenarios=(replace(STEADY, pods=500),))
    record = json.loads((other / "run.json").read_text())
    record["environment"]["kubernetes"] = "v1.30.0"
    (other / "run.json").write_text(json.dumps(record))
    assert 0 == call(root, "compare", "one", "other")
    out = capsys.readouterr().out
    assert "Kubernetes: v1.37.2 and v1.30.0" in out
    assert "scenario steady asks something else in each: pods 100 and 500" in out
    assert "Nothing can be compared" in out


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"replicas": 3}, "replicas 1 and 3"),
        ({"workers": 2}, "workers 1 and 2"),
        ({"server_cpus": 2}, "server_cpus None and 2"),
        ({"kubernetes": "1.34"}, "kubernetes None and 1.34"),
        ({"apiserver_args": ("--v=4", "--v=5")}, "apiserver_args none and --v=4, --v=5"),
        ({"fresh_control_plane": True}, "fresh_control_plane False and True"),
        ({"control": False}, ""),
    ],
)
def test_two_runs_are_compared_where_they_ask_the_same(changes, text):
    run = a_summary({"informer": {"p50": [10.0] * 6}})
    asked = a_summary({"informer": {"p50": [10.0] * 6}}, scenario=replace(SCENARIO, **changes))
    assert differences(run, asked) == text


def test_two_runs_with_other_objects_are_not_compared():
    run = a_summary({"informer": {"p50": [10.0] * 6}})
    plan = replace(run.plan, objects=(Objects("secrets", 500),))
    assert "objects none and 500 secrets of 1000 B" == differences(run, replace(run, plan=plan))


def differences(first, second):
    """Return how the two ask something else; empty if they are compared."""
    sides = side_by_side(first, second)
    assert bool(sides.rows) is not bool(sides.apart)
    return "".join(sides.apart).removeprefix("scenario steady asks something else in each: ")
