"""Scenarios with a fault in the other forms: from the analysis, to a grid and to CSV."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields

from bench.analysis.faults import FaultAnalysis
from bench.analysis.faulttrial import AFTER_S, FaultTrial
from bench.forms.faultsummary import FaultArmSummary, FaultRound, FaultSummary
from bench.forms.figures import MISSING, figure, share
from bench.forms.sheet import Cell, Grid

AT_LEAST = "\N{GREATER-THAN OR EQUAL TO} "
OF_TRIAL = tuple(one.name for one in fields(FaultRound) if one.name != "refills")
COLUMNS = ("scenario", "fault", "arm", *OF_TRIAL, "refills")


def summarise_fault(analysis: FaultAnalysis) -> FaultSummary:
    """Return what ``summary.json`` holds of a scenario with a fault."""
    return FaultSummary(
        scenario=analysis.scenario,
        what=analysis.what,
        arms=tuple(
            FaultArmSummary(arm.server, tuple(_round(one) for one in arm.trials))
            for arm in analysis.arms
        ),
        missing=analysis.missing,
    )


def _round(one: FaultTrial) -> FaultRound:
    age, herd, answers = one.age, one.herd, one.answers
    return FaultRound(
        round=one.record.trial.round,
        begin_s=one.fault.begin_s,
        end_s=one.fault.end_s,
        started_anew_s=one.fault.started_anew_s,
        reads_meanwhile=answers.asked,
        answered_meanwhile=answers.in_time,
        answered_late=answers.late,
        failed_meanwhile=answers.failed,
        longest_ms=one.meanwhile.longest_ms,
        reads_after=one.after.asked,
        answered_after=one.after.answered,
        longest_after_ms=one.after.longest_ms,
        oldest_answer_s=None if age is None else age.seconds,
        oldest_answer_by=None if age is None else str(age.by),
        fresh_s=one.fresh_s,
        window_left_s=one.seen_s,
        failed=one.errors,
        errors_stop_s=one.errors_stop_s,
        still_failing=one.still_failing,
        requests_meanwhile=None if herd is None else herd.meanwhile,
        requests_after=None if herd is None else herd.requests,
        requests_usual=None if herd is None else herd.usual,
        requests_busiest_second=None if herd is None else herd.busiest_s,
        refills=dict(one.refills),
    )


def csv_rows(faults: Sequence[FaultSummary]) -> Iterator[Sequence[str | int | float | bool | None]]:
    """Return one row a trial, in the order of ``COLUMNS``."""
    for fault in faults:
        for arm in fault.arms:
            for one in arm.rounds:
                own = (getattr(one, name) for name in OF_TRIAL)
                refills = " ".join(f"{reason}:{count}" for reason, count in one.refills.items())
                yield (fault.scenario.name, fault.scenario.fault, arm.server, *own, refills)


def sentence(faults: Sequence[FaultSummary]) -> str:
    """Say who went on answering, over all faults; empty if no trial tells."""
    told: dict[str, tuple[int, int]] = {}
    for arm in (arm for fault in faults for arm in fault.arms):
        done, asked = told.get(arm.server, (0, 0))
        done += sum(one.answered_meanwhile for one in arm.rounds)
        told[arm.server] = done, asked + sum(one.reads_meanwhile for one in arm.rounds)
    said = [f"{server} {done:,} of {asked:,}" for server, (done, asked) in told.items() if asked]
    return f"Reads answered while the API server failed: {', '.join(said)}." if said else ""


def grid_of(fault: FaultSummary) -> Grid:
    """Return the table of one fault: who went on answering, with what, and how it came back."""

    def row(title: str, cell: Callable[[Sequence[FaultRound]], str]) -> tuple[Cell, ...]:
        return (Cell(title), *(Cell(cell(arm.rounds)) for arm in fault.arms))

    one = fault.scenario
    replicas = "1 replica" if one.replicas == 1 else f"{one.replicas} replicas"
    return Grid(
        f"Fault {one.name}: {fault.what}",
        ("", *(arm.server for arm in fault.arms)),
        (
            row("reads answered while it lasted", _answered),
            row("oldest answer given meanwhile, s", _oldest),
            row("until fresh again, s", _fresh),
            row("until no read failed any more, s", _errors_stop),
            row(f"requests to the API server in the first {AFTER_S:g} s", _requests),
        ),
        remark=f"Route {one.route}, {one.rate_rps:g} reads/s offered, {one.pods:,} pods, "
        f"{replicas}. Of all rounds: reads together, the longest of times, the mean of requests. "
        "None is a cost.",
    )


def _answered(rounds: Sequence[FaultRound]) -> str:
    asked = sum(one.reads_meanwhile for one in rounds)
    done = sum(one.answered_meanwhile for one in rounds)
    return f"{done:,} of {asked:,} ({share(done / asked)})" if asked else MISSING


def _oldest(rounds: Sequence[FaultRound]) -> str:
    known = [one.oldest_answer_s for one in rounds if one.oldest_answer_s is not None]
    return figure(max(known)) if known else "none given"


def _fresh(rounds: Sequence[FaultRound]) -> str:
    unseen = [one.window_left_s for one in rounds if one.fresh_s is None]
    if unseen:
        return AT_LEAST + figure(min(unseen))
    return figure(max((one.fresh_s for one in rounds if one.fresh_s is not None), default=None))


def _errors_stop(rounds: Sequence[FaultRound]) -> str:
    known = [one.errors_stop_s for one in rounds if one.errors_stop_s is not None]
    if not known:
        return "none failed"
    return f"{AT_LEAST if any(one.still_failing for one in rounds) else ''}{figure(max(known))}"


def _requests(rounds: Sequence[FaultRound]) -> str:
    known = [one.requests_after for one in rounds if one.requests_after is not None]
    return figure(sum(known) / len(known)) if known else MISSING
