"""The gate's outcomes, and the boundaries between them."""

import math
from dataclasses import replace

import pytest
from scipy import stats

from bench.gate.compare import unlike
from bench.gate.documents import verdict_document
from bench.gate.judge import Outcome, judge
from bench.gate.rules import Rule, Rules
from bench.model import Caveat, CaveatKind, Cpus, RunState
from tests.unit.gate.summaries import a_summary, with_base
from tests.unit.store.builders import ENVIRONMENT

SPREAD = (0.98, 1.0, 1.02, 0.99, 1.01, 1.0)


def rules(*given, **changes):
    return Rules(name="mine", description="My rules.", rules=given, **changes)


def a_rule(**changes):
    values = {
        "name": "reads are no slower",
        "scenario": "steady",
        "arm": "informer",
        "metric": "p50",
        "against": "base",
        "relative": 0.1,
    }
    return Rule(**(values | changes))


def latencies(factor=1.0, rounds=6, **more):
    values = [10.0 * factor * SPREAD[index % 6] for index in range(rounds)]
    return a_summary({"informer": {"p50": values}} | more)


def before(rounds=6):
    """The base: the same on average, with its own rounds."""
    values = [10.0 * SPREAD[(index + 1) % 6] for index in range(rounds)]
    return a_summary({"informer": {"p50": values}})


@pytest.mark.parametrize(
    ("factor", "outcome", "code", "buys"),
    [
        (1.0, Outcome.PASS, 0, None),
        (0.2, Outcome.PASS, 0, None),
        (1.3, Outcome.FAIL, 10, None),
        (1.1, Outcome.INCONCLUSIVE, 11, 9),  # about as much slower as the margin is wide
    ],
)
def test_what_a_change_against_the_base_comes_to(factor, outcome, code, buys):
    verdict = judge(rules(a_rule()), with_base(latencies(factor), before()))
    assert (outcome, code, buys) == (verdict.outcome, verdict.outcome.exit_code, verdict.buys)


def test_a_rule_that_names_no_arm_is_judged_for_each_server_of_the_base():
    values = {name: {"p50": [10.0 * scale for scale in SPREAD]} for name in ("direct", "informer")}
    run = with_base(a_summary(values), a_summary({"informer": values["informer"]}))
    rows = judge(rules(a_rule(arm=None, scenario=None)), run).rows
    assert [("informer", "steady")] == [(row.rule.arm, row.rule.scenario) for row in rows]


def test_a_server_of_the_base_without_a_good_trial_is_invalid():
    run = with_base(latencies(), before())
    (scenario,) = run.scenarios
    run = replace(run, scenarios=(replace(scenario, arms=scenario.arms[:1]),))
    (row,) = judge(rules(a_rule(arm=None)), run).rows
    assert Outcome.INVALID is row.outcome
    assert "no good trial of 'informer@base'" in row.why


def test_arms_of_one_run_are_paired_by_round():
    drift = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
    run = a_summary(
        {
            "direct": {"p50": [10 * base for base in drift]},
            "informer": {
                "p50": [base * spread for base, spread in zip(drift, SPREAD, strict=True)]
            },
        }
    )
    row = judge(rules(a_rule(against="direct", at_most=0.2)), run).rows[0]
    assert Outcome.PASS is row.outcome
    assert 0.1 == pytest.approx(row.observed.estimate.value, rel=0.01)


def boundary_of(high):
    """A rule whose boundary is exactly ``high``: a limit without a margin."""
    return a_rule(against=None, at_most=high, relative=0.0)


def test_an_interval_that_ends_at_the_margin_is_within_it_and_one_beyond_is_not():
    run = latencies()
    high = judge(rules(boundary_of(100.0)), run).rows[0].observed.estimate.high
    assert Outcome.PASS is judge(rules(boundary_of(high)), run).outcome
    just_below = math.nextafter(high, 0)
    assert Outcome.INCONCLUSIVE is judge(rules(boundary_of(just_below)), run).outcome


def test_an_interval_that_begins_at_the_margin_is_not_yet_beyond_it():
    run = latencies()
    low = judge(rules(boundary_of(100.0)), run).rows[0].observed.estimate.low
    assert Outcome.INCONCLUSIVE is judge(rules(boundary_of(low)), run).outcome
    assert Outcome.FAIL is judge(rules(boundary_of(math.nextafter(low, 0))), run).outcome


def test_at_least_is_the_mirror_of_at_most():
    run = latencies()
    assert Outcome.FAIL is judge(rules(a_rule(against=None, at_least=20.0)), run).outcome
    assert Outcome.PASS is judge(rules(a_rule(against=None, at_least=5.0)), run).outcome


def test_the_larger_of_the_relative_and_the_absolute_margin_holds():
    slower = latencies(1.3)
    assert Outcome.PASS is judge(rules(a_rule(absolute=5.0)), with_base(slower, before())).outcome
    assert Outcome.FAIL is judge(rules(a_rule(absolute=0.5)), with_base(slower, before())).outcome


NOISY = {"direct": {"p50": [20.0] * 6}, "direct-again": {"p50": [22.0, 19, 25, 17, 23, 18]}}


def test_nothing_fails_within_the_noise_of_the_control_nor_passes_beyond_its_margin():
    rule = a_rule(relative=0.01)
    quiet = judge(rules(rule), with_base(latencies(1.05), before())).rows[0]
    verdict = judge(rules(rule), with_base(latencies(1.05, **NOISY), before()))
    (row,) = verdict.rows
    assert (0.01, 0.01, None) == (quiet.stated, quiet.margin, quiet.observed.noise)
    assert 0.01 == row.stated < 0.05 < row.margin == row.observed.noise
    assert (Outcome.FAIL, Outcome.INCONCLUSIVE) == (quiet.outcome, row.outcome)
    assert "beyond the margin, and not beyond the noise; next look at 9 rounds" in row.why
    cells = verdict_document(verdict).sections[0].parts[0].rows[0].cells
    assert any("to fail" in cell.value and "(the noise)" in cell.value for cell in cells)


@pytest.mark.parametrize(
    ("factor", "outcome"),
    [(0.9, Outcome.PASS), (1.05, Outcome.INCONCLUSIVE), (2.0, Outcome.FAIL)],
)
def test_noise_makes_no_rule_easier_to_pass(factor, outcome):
    verdict = judge(rules(a_rule(relative=0.02)), with_base(latencies(factor, **NOISY), before()))
    assert outcome is verdict.outcome
    # the same where more is better, and a limit is the lower one
    values = {"informer": {"p50": [10.0 / factor * scale for scale in SPREAD]}, **NOISY}
    base = a_summary({"informer": {"p50": [10.0 * scale for scale in SPREAD]}})
    lower = a_rule(relative=0.02, at_least=1.0)
    assert outcome is judge(rules(lower), with_base(a_summary(values), base)).outcome


def test_no_request_at_all_is_held_against_its_poisson_bound():
    run = a_summary(
        {"direct": {"api_requests": [1000.0] * 6}, "informer": {"api_requests": [0.0] * 6}}
    )
    rule = a_rule(metric="api_requests", per_1000=True, against="direct", at_most=0.05)
    row = judge(rules(rule), run).rows[0]
    bound = stats.chi2.ppf(0.995, 2) / 2 / 6
    assert Outcome.PASS is row.outcome
    assert (0.0, pytest.approx(bound / 1000)) == (
        row.observed.estimate.low,
        row.observed.estimate.high,
    )


def test_a_rule_that_no_run_of_this_size_could_pass_is_invalid():
    run = a_summary({"informer": {"api_requests": [0.0] * 6}})
    rule = a_rule(metric="api_requests", per_1000=True, against=None, at_most=0.001, relative=0)
    verdict = judge(rules(rule), run)
    assert Outcome.INVALID is verdict.outcome
    assert "could never pass" in verdict.rows[0].why
    assert verdict.buys is None


@pytest.mark.parametrize(
    ("metric", "margin", "good", "bad"),
    [
        ("throughput", {}, [100.0 * scale for scale in SPREAD], [50.0 * scale for scale in SPREAD]),
        (  # where a cost may be zero, the difference counts
            "apiserver_cpu",
            {"absolute": 2.0},
            [-0.5, 0.5, 0.2, -0.3, 0.1, 0.0],
            [9.5, 10.5, 10.2, 9.7, 10.1, 10.0],
        ),
        (
            "api_requests",
            {"per_1000": True, "relative": 0.0, "absolute": 5.0},
            [0.0] * 6,
            [20.0, 21, 19, 20, 22, 18],
        ),
    ],
)
def test_what_gets_worse_against_the_base_fails(metric, margin, good, bad):
    rule = a_rule(metric=metric, **margin)
    base, worse = (a_summary({"informer": {metric: values}}) for values in (good, bad))
    assert Outcome.PASS is judge(rules(rule), with_base(base, base)).outcome
    assert Outcome.FAIL is judge(rules(rule), with_base(worse, base)).outcome


def test_more_where_more_is_better_passes():
    fewer, more = (
        a_summary({"informer": {"throughput": [size * scale for scale in SPREAD]}})
        for size in (50.0, 100.0)
    )
    assert Outcome.PASS is judge(rules(a_rule(metric="throughput")), with_base(more, fewer)).outcome


def test_the_smallest_change_seen_is_found_when_it_is_there():
    row = judge(rules(a_rule()), with_base(latencies(), before())).rows[0]
    assert row.detectable > row.margin
    larger = latencies(1 + row.detectable * 1.1)
    assert Outcome.FAIL is judge(rules(a_rule()), with_base(larger, before())).outcome


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_too_few_rounds_for_the_first_look_are_invalid_and_can_be_cured(rounds):
    verdict = judge(rules(a_rule()), with_base(latencies(rounds=rounds), before()))
    assert (Outcome.INVALID, 12) == (verdict.outcome, verdict.outcome.exit_code)
    assert "too few for the rule ever to fire" in verdict.rows[0].why
    assert verdict.buys == 6


def test_at_the_last_look_nothing_more_is_bought():
    verdict = judge(rules(a_rule()), with_base(latencies(1.1, rounds=12), before(rounds=12)))
    assert (Outcome.INCONCLUSIVE, None) == (verdict.outcome, verdict.buys)
    assert "12 rounds are the most" in verdict.rows[0].why


def test_the_error_budget_is_shared_out_over_the_looks():
    assert 0.99 == pytest.approx(rules(a_rule()).confidence)
    assert 0.98 == pytest.approx(rules(a_rule(), looks=(6,), error_budget=0.02).confidence)


def test_without_the_base_that_it_is_against_a_rule_is_invalid():
    verdict = judge(rules(a_rule()), latencies())
    assert Outcome.INVALID is verdict.outcome
    assert "--against DIR" in verdict.rows[0].why


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"scenario": "other"}, "no scenario 'other'; it has steady"),
        ({"arm": "direct"}, "no good trial of 'direct' in steady; it has informer, informer@base"),
        ({"metric": "p99"}, "has no p99 of informer in steady"),
    ],
)
def test_what_the_run_does_not_have_is_invalid_and_named(changes, reason):
    verdict = judge(rules(a_rule(**changes)), with_base(latencies(), before()))
    assert Outcome.INVALID is verdict.outcome
    assert reason in verdict.rows[0].why
    assert verdict.buys is None


def test_a_round_without_the_metric_is_named():
    run = latencies()
    arm = run.scenarios[0].arms[0]
    figure = replace(arm.figures[0], rounds={1: 10.0, 2: 10.0, 3: 10.0, 4: 10.0, 6: 10.0})
    run = replace(
        run, scenarios=(replace(run.scenarios[0], arms=(replace(arm, figures=(figure,)),)),)
    )
    verdict = judge(rules(a_rule()), with_base(run, before()))
    assert Outcome.INVALID is verdict.outcome
    assert "missing in round 5" in verdict.rows[0].why


@pytest.mark.parametrize(
    "kind",
    [
        CaveatKind.ANSWERS_DIFFER,
        CaveatKind.STALE_ANSWERS,
        CaveatKind.CONTROL_FIRED,
        CaveatKind.LEDGERS_DISAGREE,
        CaveatKind.RUN_INCOMPLETE,
        CaveatKind.NOT_INTERLEAVED,
        CaveatKind.API_SERVER_RESTARTED,
        CaveatKind.ANSWERS_UNCHECKED,
    ],
)
def test_what_voids_the_run_is_invalid_however_good_the_figures(kind):
    flawed = replace(latencies(), caveats=(Caveat(kind, "it is so"),))
    verdict = judge(rules(a_rule()), with_base(flawed, before()))
    assert Outcome.INVALID is verdict.outcome
    assert f"{kind}: it is so" == verdict.reasons[0]
    assert verdict.buys is None


def test_a_lesser_caveat_does_not_void():
    noisy = replace(latencies(), caveats=(Caveat(CaveatKind.NOISY_MACHINE, "it was"),))
    assert Outcome.PASS is judge(rules(a_rule()), with_base(noisy, before())).outcome


def test_a_run_that_says_itself_that_it_is_not_complete_is_invalid():
    running = replace(latencies(), state=RunState.RUNNING)
    assert Outcome.INVALID is judge(rules(a_rule()), with_base(running, before())).outcome


def test_other_processors_are_an_unlike_environment():
    run = latencies()
    pinned = replace(run, plan=replace(run.plan, cpus=Cpus(False, (0, 1), (2,), (3,))))
    (difference,) = unlike(run, pinned)
    assert "shared by all" in str(difference)
    assert "control plane 0, 1; server 2; load 3" in str(difference)


def test_environments_are_unlike_by_what_figures_depend_on_and_not_by_the_commit():
    machine = replace(ENVIRONMENT, processors=8, python="3.13.1", commit="abcdef")
    texts = unlike(latencies(), replace(latencies(), environment=machine))
    assert ["Python: 3.11.9 and 3.13.1", "processors: 2 and 8"] == [str(text) for text in texts]


def test_a_run_that_was_gone_on_with_elsewhere_needs_the_word():
    caveat = Caveat(CaveatKind.UNLIKE_ENVIRONMENT, "trials were made in unlike environments")
    run = replace(latencies(), caveats=(caveat,))
    assert Outcome.INVALID is judge(rules(a_rule()), with_base(run, before())).outcome
    verdict = judge(rules(a_rule()), with_base(run, before()), unlike_environments=True)
    assert Outcome.PASS is verdict.outcome
    assert "let pass as told" in verdict.notes[0]


def test_the_gravest_outcome_is_the_gates():
    good, bad = a_rule(), a_rule(name="other", against=None, at_most=5.0)
    missing = a_rule(name="third", metric="p99")
    run = latencies()
    assert Outcome.FAIL is judge(rules(good, bad), with_base(run, run)).outcome
    assert Outcome.INVALID is judge(rules(good, bad, missing), with_base(run, run)).outcome


def test_a_rule_about_every_server_says_so_where_the_run_has_no_base():
    verdict = judge(rules(a_rule(arm=None, scenario=None)), latencies())
    (row,) = verdict_document(verdict).sections[0].parts[0].rows
    assert "reads are no slower (each scenario: p50 of each server against base)" == row.title
