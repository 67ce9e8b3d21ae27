"""Checks of the calibration runs: judge each from its analysis alone. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median
from typing import TypeVar

import pandas as pd

from bench.analysis import RunAnalysis, RunData, analyse
from bench.analysis.latency import Latencies, freshness_counts, times_of
from bench.analysis.requests import Count
from bench.analysis.result import Arm
from bench.analysis.trial_data import TrialData
from bench.metrics import BY_KEY, Times
from bench.model import CaveatKind
from bench.selftest.findings import Finding
from bench.stats import Estimate, Verdict, mean

WIDEST_CONTROL = 1.33
"""A wider interval could not have shown a difference of a third."""
DELAY_MS, DELAY_NEAR_MS, DELAY_NEAR = 5.0, 0.2, 0.02
STALL_S, STALL_EVERY_S = 1.0, 10.0
STALL_NEAR_MS = 100.0
CLOSED_BELOW_MS = 200.0
READS_NEAR = 0.005
"""3.00 must be exact to two decimals."""
HUNG_UP, HUNG_UP_NEAR = 0.01, 0.0011
"""A window may begin between two hang-ups: one more or less in a thousand."""
STALE_MS, STALE_NEAR = 500.0, 0.10
SATURATED = (CaveatKind.GENERATOR_LATE, CaveatKind.MACHINE_SATURATED)
WRONG = (
    ("faithful", "none", 0.0, 0.0),
    ("half", "every second", 0.5, 0.05),
    ("hundredth", "every hundredth", 0.01, 0.005),
    ("all", "all", 1.0, 0.1),
)
"""Servers, the share of their answers that is wrong under load, in words and as a number, and its
tolerance: the first answers of a window are right, as there is no load yet."""
CHURN_NEAR_MS, CHURN_NEAR = 5.0, 0.10
POLLED = (("poller", "list", 4.0), ("getter", "get", 0.2), ("relister", "watch", 2.0))
"""Clients, the verbs of their requests, and the periods in seconds."""
POLLED_NEAR = 0.02
"""Share of requests that a timer may lose on a busy machine, beside one at the window's begin."""

Check = Callable[[RunData], Iterator[Finding]]
Rounds = Mapping[int, float]
T = TypeVar("T")


class MissingError(Exception):
    """Raised when the run lacks a trial that a check needs; the message names it."""


def same(data: RunData) -> Iterator[Finding]:
    """Check a server against itself, without a fault; state the cost of the observers."""
    run = analyse(data)
    yield from _controls(run)
    watched, unwatched = _arm(run, "watched", "direct"), _arm(run, "unwatched", "direct")
    yield _effect("median service time", _both(watched, unwatched, "service_p50"), "ms")
    yield _effect("server CPU", _both(watched, unwatched, "server_cpu"), "ms/s")
    on_api = (
        _cpu(data.of_arm("watched", "direct"), "apiserver_cpu_s"),
        _cpu(data.of_arm("unwatched", "direct"), "apiserver_cpu_s"),
    )
    yield _effect("API-server CPU", on_api, "ms/s")


def _controls(run: RunAnalysis, *, narrow_enough: bool = True) -> Iterator[Finding]:
    """Judge a server against itself; ``narrow_enough``: an interval that is too wide fails."""
    for _, control in run.controls:
        ratio = control.ratio
        text, passed = "no interval: fewer than two rounds, or next to nothing", False
        differs = control.verdict is Verdict.DIFFERENT
        if ratio is not None and ratio.bounds is not None:
            low, high = ratio.bounds
            text = f"{ratio.value:.3f} times ({low:.3f} to {high:.3f})"
            narrow = low >= 1 / WIDEST_CONTROL and high <= WIDEST_CONTROL
            passed = narrow and not differs
            text += "" if narrow or differs else ": too noisy to tell"
        yield Finding(
            f"the same against the same: {BY_KEY[control.metric].title.lower()}",
            "no difference",
            text,
            f"no difference beyond {control.margin:.0%} at {control.confidence:.0%}, "
            f"known within a factor of {WIDEST_CONTROL}",
            passed if narrow_enough or passed or differs else None,
        )


def _effect(quantity: str, with_and_without: tuple[Rounds, Rounds], unit: str) -> Finding:
    watched, unwatched = with_and_without
    return Finding(
        f"the observers' own effect: {quantity}",
        "probe and bystander, with and without",
        f"{_estimate(_difference(watched, unwatched), unit)}, on {_mean(unwatched):.3g} {unit}",
        "none: every arm has them",
        passed=None,
    )


def churn(data: RunData) -> Iterator[Finding]:
    """Check that writes are in the floor, and so are billed to no server."""
    direct, floor = _rounds(data, "idle", "direct"), _rounds(data, "idle", "none")
    for process, field in (("API-server", "apiserver_cpu_s"), ("etcd", "etcd_cpu_s")):
        of_floor = _cpu(floor, field)
        billed, level = _difference(_cpu(direct, field), of_floor), _mean(of_floor)
        near = max(CHURN_NEAR_MS, CHURN_NEAR * level)
        yield Finding(
            f"20 writes per second, billed to an idle server: {process} CPU",
            f"0 ms/s of the {level:.0f} that the writes cost",
            _estimate(billed, "ms/s"),
            f"mean within {near:.1f} ms/s",
            billed is not None and abs(billed.value) <= near,
        )


def latency(data: RunData) -> Iterator[Finding]:
    """Check that a delay is found at its length."""
    run = analyse(data)
    late, prompt = _both(_arm(run, "steady", "late"), _arm(run, "steady", "prompt"), "p50")
    added = [late[number] - prompt[number] for number in sorted(late.keys() & prompt.keys())]
    if not added:
        raise MissingError(f"{run.run} has no round with both servers")
    near = max(DELAY_NEAR_MS, DELAY_NEAR * DELAY_MS)
    middle = median(added)
    yield Finding(
        "added latency: difference of the medians, pair by pair",
        f"{DELAY_MS:g} ms",
        f"{middle:.2f} ms, median of {len(added)} rounds ({min(added):.2f} to {max(added):.2f})",
        f"within {near:g} ms",
        abs(middle - DELAY_MS) <= near,
    )


def stall(data: RunData) -> Iterator[Finding]:
    """Check that the open model shows the response times of a stall, and the closed hides them."""
    # A tenth of the arrivals meet a stall, and wait for the rest of it: evenly 0 to 1 s.
    expected_ms = (STALL_S - 0.01 * STALL_EVERY_S) * 1e3
    stalled_ms = _times(data, "open").percentile(0.99).value_ms
    yield Finding(
        f"a stall of {STALL_S:g} s in every {STALL_EVERY_S:g}: p99 of the open model",
        f"{expected_ms:g} ms",
        _duration(stalled_ms),
        f"within {STALL_NEAR_MS:g} ms",
        stalled_ms is not None and abs(stalled_ms - expected_ms) <= STALL_NEAR_MS,
    )
    closed = _times(data, "closed")
    hidden = closed.percentile(0.99)
    longest = max(closed.answered_ms, default=0.0)
    yield Finding(
        "the same stall: p99 of the closed model",
        "hidden: each user waits once per stall, and asks nothing meanwhile",
        f"{_duration(hidden.value_ms)}, the longest {longest:,.0f} ms",
        f"p99 below {CLOSED_BELOW_MS:g} ms",
        hidden.value_ms is not None and hidden.value_ms < CLOSED_BELOW_MS,
    )


def counts(data: RunData) -> Iterator[Finding]:
    """Check that every request is counted, and every request without an answer."""
    (thrice,) = _rounds(data, "steady", "thrice")
    ledgers = thrice.ledgers
    for name, count in (
        ("the server's own count", ledgers.client),
        ("the audit log", ledgers.audit_user),
        ("apiserver_request_total", ledgers.metric),
    ):
        per_read = _lists(count) / thrice.record.sent if count and thrice.record.sent else None
        yield Finding(
            f"three requests per read, by {name}",
            "3.00 per read",
            "nothing" if per_read is None else f"{per_read:.3f} per read",
            "3.00",
            per_read is not None and abs(per_read - 3.0) < READS_NEAR,
        )
    yield Finding(
        "the three ledgers, key by key",
        "nothing hidden",
        "; ".join(ledgers.disagreements) or "no disagreement",
        "none",
        ledgers.agree is True,
    )
    (hanging,) = _rounds(data, "steady", "hanging-up")
    share = _unanswered(hanging)
    yield Finding(
        "requests that the server hung up on",
        f"{HUNG_UP:.2%}",
        f"{share:.2%} ({hanging.record.failed} of {hanging.response.samples:,})",
        f"within {HUNG_UP_NEAR:.2%}",
        abs(share - HUNG_UP) <= HUNG_UP_NEAR,
    )


def stale(data: RunData) -> Iterator[Finding]:
    """Check that an old answer is found at its age."""
    columns = Times.STALENESS.columns | {"first_stale"}
    rows = pd.concat(
        data.reader.observed(trial_data.trial, "freshness", columns)
        for trial_data in _rounds(data, "watched", "stale")
    )
    freshness = freshness_counts(rows)
    # stale at least until the last read that showed the old state, at most until the first fresh
    least = ((rows["stale_sent_us"] - rows["acked_us"]) / 1e3).fillna(0.0)
    low, high = float(least.median()), times_of(rows, Times.STALENESS).percentile(0.5).value_ms
    near = STALE_MS * STALE_NEAR
    yield Finding(
        "stale answers: median staleness, between the bounds of the probe",
        f"{STALE_MS:g} ms, refreshed every 20",
        f"{_duration(low)} to {_duration(high)}, {len(rows)} writes",
        f"within {near:g} ms",
        high is not None and STALE_MS - near <= low <= high <= STALE_MS + near,
    )
    yield Finding(
        "stale answers: first reads older than the write",
        "all",
        "nothing" if freshness is None else f"{freshness.first_stale} of {freshness.first_reads}",
        "all",
        freshness is not None and 0 < freshness.first_reads == freshness.first_stale,
    )


def answers(data: RunData) -> Iterator[Finding]:
    """Check that answers that are wrong under load alone are found, and void the run."""
    for server, part, share, near in WRONG:
        (trial_data,) = _rounds(data, "steady", server)
        check = trial_data.record.answers
        wrong_share = check.wrong / check.judged if check and check.judged else None
        yield Finding(
            f"wrong answers under load: {part}",
            f"{share:.0%}",
            "not judged" if check is None else f"{check.wrong:,} of {check.judged:,}",
            f"{max(0.0, share - near):.1%} to {min(1.0, share + near):.1%}",
            wrong_share is not None and abs(wrong_share - share) <= near,
        )
    (padded,) = _rounds(data, "steady", "padded")
    check = padded.record.answers
    read, wrong = (check.read, check.wrong_when_read) if check else (0, 0)
    yield Finding(
        "wrong answers of the right size under load: every second",
        "half of those read in full",
        f"{wrong} of {read}",
        "a tenth to nine tenths",
        0.1 * read < wrong < 0.9 * read,
    )
    caveats = analyse(data).void
    void = {caveat.server for caveat in caveats if caveat.kind is CaveatKind.WRONG_ANSWERS}
    expected = {server for server, *_, share, _ in WRONG if share} | {"padded"}
    yield Finding(
        "wrong answers under load: which servers void the run",
        ", ".join(sorted(expected)),
        ", ".join(sorted(map(str, void))) or "none",
        "these and no other",
        void == expected,
    )


def saturation(data: RunData) -> Iterator[Finding]:
    """Check that a saturated machine is found, and a load generator that starts requests late."""
    void = analyse(data).void
    for server, neighbours in (("prompt", "nothing"), ("starved", "processes that never rest")):
        (trial_data,) = _rounds(data, "steady", server)
        kinds = {caveat.kind for caveat in void if caveat.server == server} & set(SATURATED)
        expected = set(SATURATED) if server == "starved" else set()
        machine = trial_data.record.machine
        use = "not recorded" if machine is None else f"{machine.busy:.0%} in use"
        if machine is not None and machine.waited is not None:
            use += f", {machine.waited:.0%} waited"
        yield Finding(
            f"beside the servers: {neighbours}",
            ", ".join(sorted(expected)) or "no caveat",
            f"{', '.join(sorted(kinds)) or 'no caveat'} ({use}; send lag p99 "
            f"{_duration(trial_data.record.schedule_lag_p99_ms)})",
            "these and no other",
            kinds == expected,
        )


def clients(data: RunData) -> Iterator[Finding]:
    """Check that clients are billed for each request, and the same client twice alike."""
    for name, verb, period_s in POLLED:
        for trial_data in _rounds(data, "churn", name):
            count = sum(n for key, n in _for_reads(trial_data).items() if key.verb == verb)
            number, window_s = trial_data.trial.round, trial_data.record.window_s
            expected = window_s / period_s
            yield Finding(
                f"{name}, round {number}: {verb} requests, one every {period_s:g} s",
                f"{expected:.1f} in {window_s:.1f} s",
                str(count),
                "one more or less",
                abs(count - expected) <= 1 + POLLED_NEAR * expected,
            )
    watching = _rounds(data, "churn", "three-informers")
    for quantity, counts, size in (
        ("watches held", [trial_data.record.watches_held for trial_data in watching], 3),
        ("requests until ready", [trial_data.record.ready_requests for trial_data in watching], 3),
        ("requests in the window", [_for_reads(trial_data).total() for trial_data in watching], 0),
    ):
        yield Finding(
            f"three informers: {quantity}",
            str(size),
            ", ".join(map(str, counts)),
            "in every round",
            set(counts) == {size},
        )
    for trial_data in data.data:
        if trial_data.ledgers.disagreements:
            text, folder = "; ".join(trial_data.ledgers.disagreements), trial_data.trial.folder
            yield Finding(f"ledgers, {folder}", "agree", text, "none", passed=False)
    yield from _controls(analyse(data), narrow_enough=False)  # a client may cost next to nothing


CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (same, churn, latency, stall, counts, stale, answers, saturation, clients)
}
"""Checks by the name of their plan."""


def _required(value: T | None, run: str, scenario: str, server: str) -> T:
    if not value:
        raise MissingError(f"{run} has no good trial of {server} under {scenario}")
    return value


def _arm(run: RunAnalysis, scenario: str, server: str) -> Arm:
    result = run.scenario(scenario)
    return _required(result.arm(server) if result else None, run.run, scenario, server)


def _rounds(data: RunData, scenario: str, server: str) -> list[TrialData]:
    return _required(data.of_arm(scenario, server), data.record.run, scenario, server)


def _times(data: RunData, scenario: str) -> Latencies:
    times = data.times(scenario, "stalling", Times.RESPONSE)
    return _required(times, data.record.run, scenario, "stalling")


def _both(subject: Arm, baseline: Arm, key: str) -> tuple[Rounds, Rounds]:
    figures = subject.figure(key), baseline.figure(key)
    of_subject, of_baseline = (figure.rounds if figure else {} for figure in figures)
    return of_subject, of_baseline


def _difference(subject: Rounds, baseline: Rounds) -> Estimate | None:
    shared = sorted(subject.keys() & baseline.keys())
    return mean([subject[number] - baseline[number] for number in shared])


def _mean(rounds: Rounds) -> float:
    """Return the mean over rounds, of which an arm has at least one."""
    return sum(rounds.values()) / len(rounds)


def _cpu(rounds: Sequence[TrialData], field: str) -> Rounds:
    """Return CPU milliseconds per second, by round, the floor not subtracted."""
    return {
        trial_data.trial.round: cpu_s / trial_data.record.marks_s * 1e3
        for trial_data in rounds
        if (cpu_s := getattr(trial_data.record, field)) is not None
    }


def _lists(count: Count) -> int:
    return sum(n for key, n in count.items() if (key.verb, key.resource) == ("list", "pods"))


def _for_reads(trial_data: TrialData) -> Count:
    return trial_data.ledgers.for_reads or Counter()


def _unanswered(trial_data: TrialData) -> float:
    response = trial_data.response
    return response.censored / response.samples if response.samples else 1.0


def _estimate(estimate: Estimate | None, unit: str) -> str:
    if estimate is None:
        return "nothing: no round has both"
    bounds = "" if estimate.low is None else f" ({estimate.low:+.3g} to {estimate.high:+.3g})"
    return f"{estimate.value:+.3g} {unit}{bounds}"


def _duration(milliseconds: float | None) -> str:
    return "withheld" if milliseconds is None else f"{milliseconds:,.0f} ms"
