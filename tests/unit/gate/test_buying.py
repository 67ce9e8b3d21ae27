"""Buying rounds, look by look, until the outcome is decided or the last look is reached."""

from dataclasses import replace

from bench.cli.gate import buy
from bench.gate.judge import Outcome, judge
from bench.gate.rules import Rule, Rules
from bench.model import Caveat, CaveatKind
from bench.run.resume import ResumeError
from tests.unit.gate.summaries import a_summary

RULES = Rules(
    name="mine",
    description="My rules.",
    rules=(Rule("quick", "p50", "informer", "steady", at_most=10.2),),
)
WIDE = (9.8, 10.2, 9.6, 10.4, 9.9, 10.1)


class Bench:
    """A run that can be extended; ``then`` holds the values of each further round."""

    def __init__(self, then=10.0):
        self.values = list(WIDE)
        self.then = then
        self.said = []
        self.caveats = ()

    def look(self):
        summary = a_summary({"informer": {"p50": self.values}})
        return judge(RULES, replace(summary, caveats=self.caveats))

    def extend(self, rounds):
        self.values += [self.then] * (rounds - len(self.values))

    def bought(self):
        return buy(self.look(), self.look, self.extend, self.said.append)


def test_rounds_are_bought_until_the_rule_holds():
    bench = Bench(then=9.9)
    assert Outcome.INCONCLUSIVE is bench.look().outcome
    assert Outcome.PASS is bench.bought().outcome
    assert len(bench.values) in (9, 12)
    assert "INCONCLUSIVE after 6 rounds: extending to 9" in bench.said[0]


def test_no_more_is_bought_than_the_last_look():
    bench = Bench(then=10.2)
    bench.values = [9.0, 11.4] * 3
    assert Outcome.INCONCLUSIVE is bench.bought().outcome
    assert 12 == len(bench.values)
    assert 2 == len(bench.said)


def test_a_decided_run_buys_nothing():
    bench = Bench()
    bench.values = [5.0] * 6
    assert Outcome.PASS is bench.bought().outcome
    assert [] == bench.said


def test_a_run_that_was_cut_short_is_brought_to_the_first_look():
    bench = Bench(then=5.0)
    bench.values = [5.0, 5.1]
    assert Outcome.PASS is bench.bought().outcome
    assert 6 == len(bench.values)


def test_a_run_that_cannot_be_extended_keeps_its_outcome():
    bench = Bench()

    def refuse(rounds):
        raise ResumeError("another machine")

    verdict = buy(bench.look(), bench.look, refuse, bench.said.append)
    assert Outcome.INCONCLUSIVE is verdict.outcome
    assert "could not be extended: another machine" in bench.said


def test_an_extension_that_leaves_the_run_incomplete_makes_it_invalid():
    bench = Bench()

    def break_off(rounds):
        bench.caveats = (Caveat(CaveatKind.RUN_INCOMPLETE, "etcd died"),)
        raise OSError("etcd died")

    verdict = buy(bench.look(), bench.look, break_off, bench.said.append)
    assert Outcome.INVALID is verdict.outcome


def test_an_extension_that_adds_nothing_is_not_tried_again():
    bench = Bench()
    tried = []
    verdict = buy(bench.look(), bench.look, tried.append, bench.said.append)
    assert Outcome.INCONCLUSIVE is verdict.outcome
    assert [9] == tried
