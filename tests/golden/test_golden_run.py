"""A recorded run of the real thing, rendered: the page's figures are those of its tables.

The figures are computed here by hand, with pandas alone, from the files of ``run/``.
"""

import html
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.analysis import analyse
from bench.report import render, terminal_summary, write_index
from bench.report.numbers import MISSING, number, times, times_at_least
from bench.store import Store

RUN = Path(__file__).with_name("run")
BYTES = ("apiserver_response_sizes_sum", "apiserver_watch_events_sizes_sum")


@pytest.fixture(scope="module")
def reader():
    return Store(RUN.parent).open(RUN)


@pytest.fixture(scope="module")
def page(reader, tmp_path_factory):
    return render(reader, tmp_path_factory.mktemp("report")).read_text()


@pytest.fixture(scope="module")
def text(page):
    return as_text(page)


def as_text(page):
    """What a person reads: without styles and drawings, blanks made one."""
    page = re.sub(r"<(style|svg).*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def trials(scenario, server):
    found = {}
    for folder in sorted((RUN / "trials").iterdir()):
        record = json.loads((folder / "trial.json").read_text())
        if (record["trial"]["scenario"], record["trial"]["server"]) == (scenario, server):
            found[record["trial"]["round"]] = (folder, record)
    return list(found.values())


def requests(scenario, server):
    return [pd.read_parquet(folder / "requests.parquet") for folder, _ in trials(scenario, server)]


def reached(scenario, server):
    total = 0
    for folder, record in trials(scenario, server):
        audit = pd.read_parquet(folder / "audit.parquet")
        # What the freshness probe made the server ask is the probe's, not the load's.
        mine = audit["user"].str.endswith(f":{record['identity']}")
        own = audit[mine & (audit["name"] != "freshness-probe")]
        opened = own["received_us"] >= record["window_begin_epoch_s"] * 1e6
        total += int(((own["verb"] != "watch") | opened).sum())
    return total


def answered(scenario, server):
    return sum(int((rows["outcome"] == "ok").sum()) for rows in requests(scenario, server))


def row(page, scenario, title):
    """The cells of a row of the scenario's table, as arm -> text."""
    index = 0 if scenario == "capacity" else 1
    table = page.split('<table class="arms"')[index + 1].split("</table>")[0]
    arms = [as_text(cell).strip() for cell in re.findall(r'scope="col">(.*?)</th>', table)]
    for line in table.split("<tr")[1:]:
        heading = re.search(r'scope="row">(.*?)</th>', line)
        if heading and as_text(heading[1]).replace(" ,", ",").strip() == title:
            cells = re.findall(r'<span class="value">(.*?)</span>', line)
            shown = [as_text(re.sub(r"<sup>.*?</sup>", "", cell)).strip() for cell in cells]
            return dict(zip(arms, shown, strict=True))
    raise AssertionError(f"no row {title!r}")


@pytest.mark.parametrize("scenario", ["capacity", "steady"])
def test_requests_for_1000_reads_are_those_of_the_audit_log(page, scenario):
    shown = row(page, scenario, "for 1,000 reads")
    for server in ("direct", "direct-rv0", "informer"):
        expected = 1000 * reached(scenario, server) / answered(scenario, server)
        assert number(expected) == shown[server]


def test_the_sentence_states_a_bound_that_the_counts_carry(text):
    many, few = reached("capacity", "direct"), reached("capacity", "informer")
    low = stats.chi2.ppf(0.025, 2 * many) / 2 / answered("capacity", "direct")
    high = stats.chi2.ppf(0.975, 2 * (few + 1)) / 2 / answered("capacity", "informer")
    assert f"at least {times_at_least(low / high)} times fewer, 95%" in text


@pytest.mark.parametrize("scenario", ["capacity", "steady"])
@pytest.mark.parametrize("q", [0.5, 0.9])
def test_percentiles_are_order_statistics_of_all_rows(page, scenario, q):
    shown = row(page, scenario, f"p{q * 100:.0f}, from the intended start, ms")
    for server in ("direct", "direct-rv0", "informer"):
        rows = pd.concat(requests(scenario, server))
        latency = np.where(rows["outcome"] == "ok", rows["done_us"] - rows["intended_us"], np.inf)
        assert number(np.quantile(latency, q, method="inverted_cdf") / 1000) == shown[server]


def test_a_percentile_without_the_samples_is_withheld(page):
    assert answered("steady", "direct") < 1_000
    assert row(page, "steady", "p99, from the intended start, ms")["direct"] == MISSING


def test_throughput_is_the_mean_over_rounds_of_answers_in_the_window(page):
    shown = row(page, "capacity", "reads answered in a second")
    for server in ("direct", "informer"):
        rates = [
            (rows["outcome"] == "ok").sum() / record["window_s"]
            for rows, (_, record) in zip(
                requests("capacity", server), trials("capacity", server), strict=True
            )
        ]
        assert number(np.mean(rates)) == shown[server]


def test_the_latency_factor_is_paired_by_round_with_students_t(text):
    medians = {
        server: [
            np.quantile(rows["done_us"] - rows["intended_us"], 0.5, method="inverted_cdf")
            for rows in requests("capacity", server)
        ]
        for server in ("direct", "informer")
    }
    logs = np.log(medians["direct"]) - np.log(medians["informer"])
    interval = stats.ttest_1samp(logs, 0).confidence_interval(0.95)
    low, high = times(np.exp(interval.low)), times(np.exp(interval.high))
    assert f"{times(np.exp(logs.mean()))} times shorter [{low} to {high}]" in text


def test_control_plane_cpu_is_what_is_above_the_floor_of_the_same_round(page):
    shown = row(page, "steady", "API-server CPU in a second, ms")
    share = {
        server: np.array(
            [1000 * r["apiserver_cpu_s"] / r["marks_s"] for _, r in trials("steady", server)]
        )
        for server in ("direct", "informer", "none")
    }
    assert number(share["none"].mean()) == shown["none"]
    for server in ("direct", "informer"):
        assert number((share[server] - share["none"]).mean()) == shown[server]


def test_bytes_sent_are_the_growth_of_the_api_servers_own_counters(page):
    def rates(server):
        for folder, record in trials("steady", server):
            scrapes = pd.read_parquet(folder / "scrapes.parquet")
            own = scrapes[(scrapes["source"] == "apiserver") & scrapes["name"].isin(BYTES)]
            by_mark = own.groupby("mark")["value"].sum()
            yield (by_mark["end"] - by_mark["begin"]) / record["marks_s"] / 1e6

    expected = np.mean(list(rates("direct"))) - np.mean(list(rates("none")))
    assert number(expected) == row(page, "steady", "sent by the API server, MB/s")["direct"]


def test_on_the_real_control_plane_the_three_ledgers_agree_in_every_trial(reader, text):
    assert [True] * 20 == [fact.ledgers.agree for fact in analyse(reader).facts]
    assert "20 of 20 trials agree" in text


def test_the_page_says_where_and_with_what_it_was_made(reader, text):
    environment = reader.record.environment
    for fact in (environment.kubernetes, environment.processor, environment.commit):
        assert fact in text
    for change in environment.changed_defaults:
        assert change in text


def test_the_same_files_give_the_same_page(reader, page, tmp_path):
    assert page == render(reader, tmp_path).read_text()


def test_the_terminal_shows_the_same_sentence(reader, text):
    from rich.console import Console

    console = Console(width=400, record=True, file=io.StringIO())
    console.print(terminal_summary(analyse(reader)))
    said = as_text(console.export_text())
    sentence = re.search(r"At full speed, informer.*?\)\.", said)[0]
    assert sentence in text


def test_the_list_of_reports_links_to_the_runs_that_have_one(tmp_path):
    store = Store(tmp_path / "results")
    (tmp_path / "results").mkdir()
    name = Store(RUN.parent).open(RUN).record.run
    (store.root / name).symlink_to(RUN)
    render(store.open(name), tmp_path / "reports" / name)
    listed = write_index(store, tmp_path / "reports").read_text()
    assert f'href="{name}/index.html"' in listed
