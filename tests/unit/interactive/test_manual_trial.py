"""Manual trials: a requested test becomes a scenario, and pieces of rows become one table."""

import math

import pandas as pd
import pytest

from bench.interactive.manual_trial import RequestedTest, read_rows
from bench.interactive.service import Refused
from bench.store.tables import REQUESTS

DESCRIPTION = {
    "servers": ["direct", "informer"],
    "routes": ["list-all"],
    "namespace": "",
    "selector": "",
    "rate": None,
    "arrivals": "constant",
    "outstanding": 100,
    "timeout_s": 30,
}


def scenario(users=8, **changes):
    return RequestedTest.of(DESCRIPTION | changes).scenario(users, pods=300, churn_per_s=20.0)


def test_a_scenario_is_named_after_its_requests_and_its_load():
    assert "list-all-8-users" == scenario().name
    assert (
        "one-pod-team-a-2-5-per-s-each"
        == scenario(routes=["one-pod"], namespace="team-a", rate=2.5).name
    )
    assert (
        "mix-of-2-routes-app-web-8-users"
        == scenario(routes=["list-all", "one-pod"], selector="app=web").name
    )


def test_without_a_rate_the_users_are_those_of_the_closed_model():
    assert (8, None) == (scenario().users, scenario().rate_rps)
    assert (100, 5.0) == (scenario(rate=5).users, scenario(rate=5).rate_rps)


@pytest.mark.parametrize("key", sorted(DESCRIPTION))
def test_a_description_that_lacks_a_part_is_refused(key):
    with pytest.raises(Refused, match=key):
        RequestedTest.of({name: value for name, value in DESCRIPTION.items() if name != key})


def piece(folder, server, begin_us, number, intended_us):
    rows = {
        "intended_us": [intended_us],
        "sent_us": [intended_us],
        "done_us": [None],
        "status": [0],
        "bytes": [0],
        "route": ["/pods"],
        "outcome": ["failed"],
    }
    pd.DataFrame(rows).to_parquet(folder / f"{server}-{begin_us}-{number}.parquet")


def test_rows_of_all_pieces_count_from_one_begin_and_are_in_order(tmp_path):
    piece(tmp_path, "direct", 2_000_000, 1, 500)
    piece(tmp_path, "direct", 1_500_000, 2, 700)
    piece(tmp_path, "informer", 1_000_000, 3, 0)
    rows = read_rows(tmp_path, "direct", begin_s=1.0, end_s=math.inf)
    assert [500_700, 1_000_500] == list(rows["intended_us"])
    assert rows["done_us"].isna().all()
    assert ["informer-1000000-3.parquet"] == [path.name for path in tmp_path.iterdir()]


def test_each_trial_has_the_rows_between_its_marks_of_a_load_that_continues(tmp_path):
    for number, intended_us in enumerate([999_999, 1_000_000, 1_999_999, 2_000_000]):
        piece(tmp_path, "direct", 0, number, intended_us)
    first = read_rows(tmp_path, "direct", begin_s=1.0, end_s=2.0)
    for number, intended_us in enumerate([1_999_999, 2_100_000, 2_200_000]):
        piece(tmp_path, "direct", 0, number, intended_us)
    second = read_rows(tmp_path, "direct", begin_s=2.1, end_s=3.0)
    assert [0, 999_999] == list(first["intended_us"])
    assert [0, 100_000] == list(second["intended_us"])


def test_no_pieces_make_a_table_without_rows(tmp_path):
    rows = read_rows(tmp_path, "direct", begin_s=0.0, end_s=math.inf)
    assert (REQUESTS.schema.names, 0) == (list(rows.columns), len(rows))
