"""The registry: one entry a metric, with a view, available by name everywhere."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bench
from bench.analysis import analyse
from bench.metrics import BY_KEY, METRICS, PERCENTILES, View, of_view, scraped_names
from bench.metrics.metric import Quantile, Recorded, Times, Total
from bench.model import TrialRecord
from bench.store import Store
from bench.store.tables import AUDIT, write_table
from tests.unit.analysis.synthetic import SCENARIO, write_run


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.key)
def test_every_metric_is_shown_somewhere_or_says_why_it_is_not(metric):
    assert bool(metric.views or metric.per_1000) != bool(metric.unseen)


@pytest.mark.parametrize("view", View)
def test_every_view_shows_something(view):
    assert of_view(view)


def test_keys_titles_and_short_titles_are_each_of_one_metric():
    for name in ("key", "title", "short"):
        names = [getattr(metric, name) for metric in METRICS]
        assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.key)
def test_a_source_names_fields_and_metrics_that_there_are(metric):
    fields = TrialRecord.__dataclass_fields__
    if isinstance(metric.of, Recorded):
        assert {metric.of.field} | ({metric.of.per} - {None}) <= fields.keys()
    if isinstance(metric.of, Total):
        assert set(metric.of.keys) <= BY_KEY.keys()


def test_what_is_shown_per_1000_reads_is_stated_per_1000_reads():
    assert [] == [metric.key for metric in METRICS if metric.per_1000 and not metric.per_read]


def test_response_and_service_times_have_the_same_percentiles_by_q():
    for times in (Times.RESPONSE, Times.SERVICE):
        percentiles = [
            metric.q
            for metric in METRICS
            if isinstance(metric.of, Quantile) and metric.of.times is times
        ]
        assert list(PERCENTILES) == percentiles


def test_the_names_that_are_scraped_hold_those_of_the_ledgers_and_of_restarts():
    assert scraped_names() > {
        "apiserver_request_total",
        "apiserver_longrunning_requests",
        "process_start_time_seconds",
        "process_cpu_seconds_total",
    }


BUSY = replace(SCENARIO, name="busy", rate_rps=1_300.0)
NEW = """
    # a counter that is scraped already
    Metric(
        "patches",
        "Patches that the API server answered",
        "patches",
        "/s",
        of=Growth(Counter("apiserver", (Reading(("apiserver_request_total",)),))),
        group=Group.INTERNALS,
        views=TABLE,
    ),
"""
TENANT = """
    Metric(
        "tenant_p50",
        "A tenant's read, p50",
        "",
        "ms",
        of=Quantile(Times("tenant", "tenant", "intended_us", "done_us"), 0.5),
        group=Group.NEIGHBOURS,
        views=TABLE,
    ),
"""
RULE = """
name = "new"
description = "A rule of what is new."
looks = [2]
[[rules]]
name = "few"
scenario = "busy"
arm = "direct"
metric = "KEY"
at_most = 1e12
"""
CHECK = """
import json, sys
from bench.analysis import analyse
from bench.analysis.frame import rounds_frame
from bench.analysis.summary_file import to_json
from bench.gate.judge import judge
from bench.gate.rules import parse_rules
from bench.metrics import View, of_view
from bench.store import Store
from bench.store.tables import AUDIT, write_table
from pathlib import Path

folder, rule, *keys = sys.argv[1:]
analysis = analyse(Store(Path(folder).parent).open(Path(folder).name))
raw = json.loads(to_json(analysis))
direct = next(a for a in raw["scenarios"][0]["arms"] if a["server"] == "direct")
rows = rounds_frame(analysis)
print(json.dumps({
    "headline": [metric.key for metric, _ in of_view(View.HEADLINE) if metric.q],
    "latency": [[p["q"], p["value_ms"]] for p in direct["latency"]],
    **{key: {
        "value": [f["value"] for f in direct["figures"] if f["metric"] == key],
        "rounds": int(((rows["metric"] == key) & (rows["arm"] == "direct")).sum()),
        "gate": str(judge(parse_rules(rule.replace("KEY", key), "new.toml"), analysis).outcome),
        "table": key in [metric.key for metric, _ in of_view(View.TABLE)],
        "compared": [c["metric"] for c in raw["scenarios"][0]["comparisons"]].count(key),
    } for key in keys},
}))
"""


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A run with an unknown observer in place of the bystander."""
    servers = ("direct", "informer", "none")
    store = Store(tmp_path_factory.mktemp("results"))
    made = write_run(store, scenarios=(BUSY,), servers=servers, rounds=2)
    for table in made.folder.glob("trials/*/bystander.parquet"):
        table.rename(table.with_name("tenant.parquet"))
        audit = pd.read_parquet(table.with_name("audit.parquet"))
        audit["user"] = audit["user"].str.replace(":bystander", ":tenant")
        write_table(table.parent, AUDIT, audit.to_dict("list"))
    return made


@pytest.fixture(scope="module")
def changed(tmp_path_factory, reader):
    """The output of a copy of the project for the run, with more entries in its registry."""
    copy = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__", "report", "cli")
    shutil.copytree(Path(bench.__file__).parent, copy / "bench", ignore=ignored)
    registry = copy / "bench" / "metrics" / "registry.py"
    text = registry.read_text()
    for place, entry in (
        ("    # Costs of reads to the control plane.\n", NEW),
        ("    # The age of answers", TENANT),
        ("    0.99: HEADLINE", "    0.999: TABLE,\n"),
    ):
        assert 1 == text.count(place)
        text = text.replace(place, entry + place)
    registry.write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", CHECK, str(reader.folder), RULE, "patches", "tenant_p50", "p99.9"],
        cwd=copy,
        env={"PYTHONPATH": str(copy), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def plain(reader):
    return analyse(reader).scenarios[0].arm("direct")


@pytest.mark.parametrize("key", ["patches", "tenant_p50", "p99.9"])
def test_a_new_metric_is_one_entry(changed, key):
    shown = changed[key]
    assert shown["value"][0] > 0
    assert (2, "PASS", True, 1) == (
        shown["rounds"],
        shown["gate"],
        shown["table"],
        shown["compared"],
    )


def test_a_new_percentile_is_one_line_and_stands_nowhere_but_under_its_own_name(
    changed, plain, reader
):
    stated = dict(changed["latency"])
    assert stated[0.99] == plain.percentile(0.99).value_ms
    rows = pd.concat(
        pd.read_parquet(path) for path in reader.folder.glob("trials/*-direct-r*/requests.parquet")
    )
    waits = (rows["done_us"] - rows["intended_us"]).to_numpy() / 1e3
    assert stated[0.999] == np.quantile(waits, 0.999, method="inverted_cdf")
    assert changed["p99.9"]["value"][0] > plain.figure("p99").value
    assert ["p99"] == changed["headline"]
