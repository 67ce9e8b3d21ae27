"""Which replica asked: what the page says of servers with several."""

import pytest

from bench.analysis import analyse
from bench.report import render
from bench.report.askers import asker_rows
from bench.report.numbers import MISSING
from bench.store import Store
from tests.unit.analysis.synthetic import write_run

PAIR = ("informer-bench-server/1", "informer-bench-server/2")
SEVERAL = {"servers": ("direct", "informer"), "replicas": 2, "rounds": 2}
WATCHES = dict.fromkeys(PAIR, 1)


@pytest.fixture
def write(tmp_path):
    return lambda **changes: write_run(Store(tmp_path / "results"), **(SEVERAL | changes))


def test_replicas_that_all_asked_are_a_row_with_the_fewest_the_most_and_the_sum(write):
    direct, informer = asker_rows(analyse(write(agents=PAIR, watches_before=WATCHES)))
    assert ("direct", 2, "200", "200", "800", "800") == (
        direct.server,
        direct.replicas,
        direct.least,
        direct.most,
        direct.together,
        direct.account,
    )
    assert ("informer", "0", "0", "1") == (
        informer.server,
        informer.most,
        informer.account,
        informer.watches,
    )
    assert direct.good
    assert informer.good


def test_the_page_has_the_table_and_the_finding_of_a_replica_that_is_not_seen(write, tmp_path):
    run = write(agents=PAIR[:1], watches_before={PAIR[0]: 1})
    direct, informer = asker_rows(analyse(run))
    assert "round 0: not seen: replica 2; round 1: not seen: replica 2" == direct.seen
    assert ("0", "0 to 1") == (direct.least, direct.watches)
    assert not informer.good
    page = render(run, tmp_path / "report").read_text()
    assert "Which replica asked" in page
    assert "replicas not as planned" in page.lower()
    assert "replica 2 of 2 opened no watch of pods" in page


def test_somebody_else_with_the_account_is_named_and_is_text(write, tmp_path):
    run = write(agents=(*PAIR, "<b>curl</b>"), watches_before=WATCHES)
    direct, _ = asker_rows(analyse(run))
    assert "'<b>curl</b>'" in direct.seen
    assert not direct.good
    assert "<b>curl" not in render(run, tmp_path / "report").read_text()


def test_user_agents_that_name_no_replica_are_named_and_nothing_is_counted(write):
    direct, _ = asker_rows(analyse(write(agents=("theirs/1.0",), watches_before={})))
    assert "not told apart: no User-Agent names a replica ('theirs/1.0')" == direct.seen
    assert MISSING == direct.least


def test_a_run_of_before_user_agents_were_kept_says_so(write):
    direct, informer = asker_rows(analyse(write()))
    assert direct.seen.startswith("not known")
    assert informer.seen.startswith("not known")


def test_a_run_of_single_replicas_has_no_such_table(write, tmp_path):
    run = write(replicas=1)
    assert [] == asker_rows(analyse(run))
    assert "Which replica asked" not in render(run, tmp_path / "report").read_text()
