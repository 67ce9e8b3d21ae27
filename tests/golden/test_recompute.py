"""Compute every figure of the recorded run a second time from its files, by plain pandas.

The expected values come from audit rows, scrapes, request rows, freshness rows, bystander rows
and the flat records; nothing of ``bench.analysis`` computes them.
"""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.analysis import analyse
from bench.metrics import METRICS
from bench.store import Store

RUN = Path(__file__).with_name("run")
PROBE_POD = "freshness-probe"
LEVELS = {"apiserver_memory_highest", "etcd_memory_highest", "open_watches"}
ABOVE_NONE = LEVELS | {
    "apiserver_cpu",
    "etcd_cpu",
    "control_plane_cpu",
    "api_bytes",
    "api_allocations",
    "lists_from_cache",
    "lists_from_etcd",
    "objects_listed",
    "flow_wait",
    "flow_seats",
    "flow_rejected",
    "etcd_requests",
    "etcd_ranges",
    "etcd_bytes",
}
BETWEEN_MARKS = (ABOVE_NONE - LEVELS) | {"server_cpu", "upstream_bytes"}
PER_1000 = BETWEEN_MARKS | {"api_requests"}
FLOW = "apiserver_flowcontrol_"


class Trial:
    """One trial's files, read without ``bench``."""

    def __init__(self, folder):
        self.record = json.loads((folder / "trial.json").read_text())
        self.tables = {path.stem: pd.read_parquet(path) for path in folder.glob("*.parquet")}
        self.arm, self.round = self.record["trial"]["server"], self.record["trial"]["round"]
        self.scenario = self.record["trial"]["scenario"]

    def per_second(self, amount, over="marks_s"):
        return None if amount is None else amount / self.record[over]

    def answered(self):
        rows = self.tables.get("requests")
        return None if rows is None else rows[rows["outcome"] == "ok"]

    def growth(self, source, *names, having="", optional=()):
        """Return end minus begin, summed over the series whose labels match ``having``."""
        scrapes = self.tables["scrapes"]
        rows = scrapes[scrapes["source"] == source]
        if any(name not in set(rows["name"]) for name in names):
            return None
        rows = rows[rows["name"].isin([*names, *optional]) & rows["labels"].str.contains(having)]
        sums = rows.groupby("mark")["value"].sum()
        return float(sums.get("end", 0.0) - sums.get("begin", 0.0))


def times(trial, table, start, end="done_us", ok="ok"):
    """Return milliseconds, ascending; infinite for a request without an answer."""
    rows = trial.tables.get(table)
    if rows is None or rows.empty:
        return None
    elapsed = (rows[end] - rows[start]).to_numpy(dtype=float) / 1000
    return np.sort(np.where(rows["outcome"] == ok, elapsed, np.inf))


def quantile(values, q):
    """Return the nearest rank; NaN where it may not be stated."""
    if values is None or len(values) == 0:
        return None
    if len(values) < round(10 / (1 - q)):
        return math.nan
    value = values[math.ceil(round(q * len(values), 6)) - 1]
    return math.nan if np.isinf(value) else value


def response_time(q):
    return lambda trial: quantile(times(trial, "requests", "intended_us"), q)


def service_time(q):
    def value(trial):
        rows = trial.answered()
        if rows is None:
            return None
        return quantile(np.sort((rows["done_us"] - rows["sent_us"]).to_numpy(dtype=float) / 1e3), q)

    return value


def bystander(q):
    return lambda trial: quantile(times(trial, "bystander", "intended_us"), q)


def read_back(trial):
    rows = trial.tables.get("freshness")
    return None if rows is None else rows[rows["reads"] > 0]


def staleness(q):
    def value(trial):
        rows = read_back(trial)
        if rows is None or rows.empty:
            return None
        upper = (rows["fresh_done_us"].astype(float) - rows["acked_us"]) / 1000
        return quantile(np.sort(upper.fillna(np.inf).to_numpy()), q)

    return value


def stale_first_reads(trial):
    rows = read_back(trial)
    judged = None if rows is None else rows["first_stale"].dropna()
    return None if judged is None or judged.empty else float(judged.astype(bool).mean())


def event_delay(trial):
    rows = read_back(trial)
    events = None if rows is None else rows.dropna(subset=["event_us"])
    if events is None or events.empty:
        return None
    return quantile(
        np.sort((events["event_us"] - events["acked_us"]).to_numpy(dtype=float) / 1000), 0.5
    )


def own_requests(trial):
    """Count the audit rows of the server's account, less watches opened before and the probe's."""
    identity = trial.record["identity"]
    if identity is None:
        return None
    rows = trial.tables["audit"]
    rows = rows[(rows["resource"] != "") & rows["user"].str.endswith(f":{identity}")]
    begin_s = trial.record.get("begin_mark_epoch_s") or trial.record["window_begin_epoch_s"]
    before = (rows["received_us"] < begin_s * 1e6) & (rows["stage"] != "ResponseStarted")
    rows = rows[~((rows["verb"] == "watch") & before)]
    return int((rows["name"] != PROBE_POD).sum())


def throughput(trial):
    rows = trial.answered()
    return None if rows is None else len(rows) / trial.record["window_s"]


def milliseconds(*fields):
    return lambda trial: trial.per_second(
        None
        if any(trial.record.get(field) is None for field in fields)
        else 1000 * sum(trial.record[field] for field in fields)
    )


def recorded(field):
    return lambda trial: trial.record.get(field)


def scraped(source, *names, times=1, **filters):
    def value(trial):
        growth = trial.growth(source, *names, **filters)
        return trial.per_second(None if growth is None else times * growth)

    return value


def rejected(trial):
    exposed = trial.growth("apiserver", f"{FLOW}dispatched_requests_total") is not None
    growth = trial.growth("apiserver", f"{FLOW}rejected_requests_total")
    return trial.per_second((growth or 0.0) if exposed else None)


def memory_when_ready(trial):
    size = trial.record["server_pss_ready_bytes"]
    return None if size is None else size / trial.record["pods_at_start"]


def open_watches(trial):
    scrapes = trial.tables["scrapes"]
    at_end = scrapes[(scrapes["mark"] == "end") & (scrapes["source"] == "apiserver")]
    rows = at_end[at_end["name"] == "apiserver_longrunning_requests"]
    of_pods = rows["labels"].str.contains('resource="pods"')
    return float(rows["value"][of_pods & rows["labels"].str.contains('verb="WATCH"')].sum())


LISTS = "apiserver_storage_list_total"
BY_HAND = {
    "api_requests": lambda trial: trial.per_second(own_requests(trial), "window_s"),
    "throughput": throughput,
    "p50": response_time(0.5),
    "p90": response_time(0.9),
    "p99": response_time(0.99),
    "service_p50": service_time(0.5),
    "service_p90": service_time(0.9),
    "service_p99": service_time(0.99),
    "server_cpu": milliseconds("server_cpu_s"),
    "apiserver_cpu": milliseconds("apiserver_cpu_s"),
    "etcd_cpu": milliseconds("etcd_cpu_s"),
    "control_plane_cpu": milliseconds("apiserver_cpu_s", "etcd_cpu_s"),
    "apiserver_memory_highest": recorded("apiserver_rss_highest_bytes"),
    "etcd_memory_highest": recorded("etcd_rss_highest_bytes"),
    "api_bytes": scraped(
        "apiserver",
        "apiserver_response_sizes_sum",
        having='^(?!.*verb="WATCH")',  # an ended watch: its events are counted one by one
        optional=["apiserver_watch_events_sizes_sum"],
    ),
    "api_allocations": scraped("apiserver", "go_memstats_alloc_bytes_total"),
    "lists_from_cache": scraped("apiserver", LISTS, having='resource="pods",storage="watchcache"'),
    "lists_from_etcd": scraped("apiserver", LISTS, having='resource="pods",storage="etcd"'),
    "objects_listed": scraped(
        "apiserver", "apiserver_storage_list_fetched_objects_total", having='resource="pods"'
    ),
    "flow_wait": scraped("apiserver", f"{FLOW}request_wait_duration_seconds_sum", times=1000),
    "flow_seats": scraped("apiserver", f"{FLOW}work_estimated_seats_sum"),
    "flow_rejected": rejected,
    "etcd_requests": scraped("apiserver", "etcd_requests_total"),
    "etcd_ranges": scraped("etcd", "etcd_mvcc_range_total"),
    "etcd_bytes": scraped("etcd", "etcd_network_client_grpc_sent_bytes_total"),
    "open_watches": open_watches,
    "upstream_bytes": lambda trial: trial.per_second(trial.record.get("upstream_bytes")),
    "staleness_p50": staleness(0.5),
    "staleness_p99": staleness(0.99),
    "stale_first_reads": stale_first_reads,
    "event_delay_p50": event_delay,
    "bystander_p50": bystander(0.5),
    "bystander_p99": bystander(0.99),
    "memory_end": recorded("server_pss_end_bytes"),
    "memory_peak": recorded("server_pss_peak_bytes"),
    "memory_per_pod": memory_when_ready,
    "ready": recorded("ready_s"),
    "ready_requests": recorded("ready_requests"),
    "ready_bytes": recorded("ready_bytes"),
    # Metrics of clients stay empty: this run has no client.
    "watches_held": recorded("watches_held"),
    "ready_cpu": recorded("ready_cpu_s"),
    "recovery_requests": recorded("recovery_requests"),
    "quiet_again": recorded("quiet_again_s"),
}


@pytest.fixture(scope="module")
def trials():
    return [Trial(folder) for folder in sorted((RUN / "trials").iterdir())]


@pytest.fixture(scope="module")
def analysis():
    return analyse(Store(RUN.parent).open(RUN))


@pytest.fixture(scope="module")
def arms(analysis):
    return [(s.scenario.name, arm) for s in analysis.scenarios for arm in s.arms]


def trials_of(trials, scenario, arm):
    return {t.round: t for t in trials if (t.scenario, t.arm) == (scenario, arm)}


def window_share(trial):
    """Return the factor from per second between the marks to per second of the read window."""
    return 1 if trial.arm == "none" else trial.record["marks_s"] / trial.record["window_s"]


def rounds_by_hand(trials, scenario, arm, key):
    """Return round -> value, less its baseline; empty where a round withholds the value."""
    base = "none" if key in ABOVE_NONE else "direct" if key == "memory_per_pod" else None
    base_trials = trials_of(trials, scenario, base)
    values = {}
    for number, trial in trials_of(trials, scenario, arm).items():
        value = BY_HAND[key](trial)
        if base is not None and arm != "none":
            base_trial = base_trials.get(number) if arm != base else None
            floor = None if base_trial is None else BY_HAND[key](base_trial)
            value = None if value is None or floor is None else value - floor
        if value is not None:
            values[number] = value * (window_share(trial) if key in BETWEEN_MARKS else 1)
    return {} if any(math.isnan(value) for value in values.values()) else values


def test_there_is_a_second_way_to_every_metric():
    assert {metric.key for metric in METRICS} == set(BY_HAND)


@pytest.mark.parametrize("key", BY_HAND)
def test_each_rounds_figure_is_the_one_made_by_hand(trials, arms, key):
    for scenario, arm in arms:
        expected = rounds_by_hand(trials, scenario, arm.server, key)
        assert pytest.approx(expected) == arm.figure(key).rounds
        if expected:
            assert pytest.approx(np.mean(list(expected.values()))) == arm.figure(key).value


@pytest.mark.parametrize("key", sorted(PER_1000))
def test_each_figure_for_1000_reads_is_the_one_made_by_hand(trials, arms, key):
    for scenario, arm in arms:
        by_round = trials_of(trials, scenario, arm.server)
        expected = {
            number: 1000 * value / throughput(by_round[number])
            for number, value in rounds_by_hand(trials, scenario, arm.server, key).items()
            if arm.server != "none"
        }
        assert pytest.approx(expected) == arm.figure(key, per_1000=True).rounds


def test_intervals_are_students_t_over_the_rounds(arms):
    for _, arm in arms:
        for figure in arm.figures:
            values = list(figure.rounds.values())
            if len(values) < 2 or (figure.metric == "api_requests" and not any(values)):
                continue
            peer = (values[0], values[0])
            if np.ptp(values) > 0:
                peer = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
            assert pytest.approx(peer) == (figure.low, figure.high)


def test_comparisons_are_paired_ratios_and_differences(trials, analysis):
    compared = [
        *((s.scenario.name, c) for s in analysis.scenarios for c in s.comparisons),
        *((name, c) for name, control in analysis.controls for c in control.comparisons),
    ]
    assert compared
    for scenario, comparison in compared:
        if comparison.per_1000:
            continue
        ratio, key = comparison.ratio, comparison.metric
        subject = rounds_by_hand(trials, scenario, comparison.subject, key)
        baseline = rounds_by_hand(trials, scenario, comparison.baseline, key)
        shared = sorted(subject.keys() & baseline.keys())
        differences = [subject[number] - baseline[number] for number in shared]
        assert pytest.approx(np.mean(differences)) == comparison.difference.value
        if ratio is not None:
            logs = [math.log(subject[number] / baseline[number]) for number in shared]
            assert pytest.approx(math.exp(np.mean(logs))) == ratio.value
            if len(logs) > 1 and stats.sem(logs) > 0:
                peer = stats.ttest_1samp(logs, 0).confidence_interval(0.95)
                bounds = math.exp(peer.low), math.exp(peer.high)
                assert pytest.approx(bounds) == (ratio.low, ratio.high)


def test_at_least_so_many_times_follows_from_the_counts(trials, analysis):
    stated = [
        (scenario.scenario.name, comparison)
        for scenario in analysis.scenarios
        for comparison in scenario.comparisons
        if comparison.at_least is not None
    ]
    assert stated
    for scenario, comparison in stated:
        subject, baseline = comparison.subject, comparison.baseline
        counts, over = {}, {}
        for arm in (subject, baseline):
            arm_trials = trials_of(trials, scenario, arm).values()
            counts[arm] = sum(own_requests(trial) for trial in arm_trials)
            over[arm] = sum(
                len(trial.answered()) if comparison.per_1000 else trial.record["window_s"]
                for trial in arm_trials
            )
        low = stats.chi2.ppf(0.025, 2 * counts[baseline]) / 2 / over[baseline]
        high = stats.chi2.ppf(0.975, 2 * (counts[subject] + 1)) / 2 / over[subject]
        assert pytest.approx(low / high) == comparison.at_least


def test_pooled_percentiles_are_of_all_rows(trials, arms):
    for scenario, arm in arms:
        parts = [
            times(trial, "requests", "intended_us")
            for trial in trials_of(trials, scenario, arm.server).values()
        ]
        parts = [part for part in parts if part is not None]
        pooled = np.sort(np.concatenate(parts)) if parts else np.empty(0)
        for percentile in arm.latency:
            expected = quantile(pooled, percentile.q)
            if expected is None or math.isnan(expected):
                assert percentile.withheld is not None or percentile.at_least
            else:
                assert pytest.approx(expected) == percentile.value_ms


def test_the_control_is_decided_by_the_metric_named_beforehand(trials, analysis):
    for scenario, control in analysis.controls:
        key = {"steady": "service_p50", "capacity": "throughput"}[scenario]
        first = rounds_by_hand(trials, scenario, control.server, key)
        again = rounds_by_hand(trials, scenario, f"{control.server}-again", key)
        logs = [math.log(again[number] / first[number]) for number in sorted(first)]
        low, high = stats.t.interval(0.99, len(logs) - 1, np.mean(logs), stats.sem(logs))
        within = -math.log(1.1) <= low and high <= math.log(1.1)
        assert control.fired == (not within and not low <= 0 <= high)
