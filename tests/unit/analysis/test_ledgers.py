"""Three ledgers, compared key by key, so that agreement means something."""

from dataclasses import replace

import pandas as pd
import pytest

from bench.analysis.counters import Marks
from bench.analysis.ledgers import CLIENT_METRIC, OPEN_WATCHES, SERVER_METRIC, read_ledgers
from bench.analysis.requests import Key
from bench.model import NO_SERVER
from tests.unit.store.builders import a_trial

BEGIN_US = 1_000_000_000  # of a_trial(): 1,000 s
BEFORE, DURING = BEGIN_US - 5_000_000, BEGIN_US + 1_000_000


def audit(*rows):
    """Rows of (identity, verb, resource, subresource, code[, received_us[, stage]])."""
    given = (DURING, "ResponseComplete")
    frame = pd.DataFrame(
        [(*row, *given[len(row) - 5 :]) for row in rows],
        columns=["user", "verb", "resource", "subresource", "code", "received_us", "stage"],
    )
    frame["namespace"] = frame["name"] = ""
    frame["user"] = "system:serviceaccount:bench:" + frame["user"].astype(str)
    return frame


def scrapes(client=(), metric=(), watches=0, **more):
    """Marks of grown counters: (verb, resource, subresource, code, count)."""
    rows = [("begin", source, "up", "", 1.0) for source in ("apiserver", "server")]
    rows += [("end", source, "up", "", 1.0) for source in ("apiserver", "server")]
    rows.append(("begin", "apiserver", OPEN_WATCHES, 'resource="pods",verb="WATCH"', 3.0))
    rows.append(("end", "apiserver", OPEN_WATCHES, 'resource="pods",verb="WATCH"', 3.0 + watches))
    for source, name, counts in (
        ("server", CLIENT_METRIC, client),
        ("apiserver", SERVER_METRIC, metric),
    ):
        rows.append(("begin", source, name, 'code="200",resource="",verb="GET"', 1.0))
        rows.append(("end", source, name, 'code="200",resource="",verb="GET"', 2.0))
        for verb, resource, subresource, code, count in counts:
            labels = (
                f'code="{code}",resource="{resource}",subresource="{subresource}",verb="{verb}"'
            )
            rows.append(("end", source, name, labels, float(count)))
    frame = pd.DataFrame(rows, columns=["mark", "source", "name", "labels", "value"])
    return Marks(frame)


LIST = ("direct", "list", "pods", "", 200)


def test_the_three_agree_when_they_count_the_same():
    ledgers = read_ledgers(
        a_trial(),
        audit(
            LIST,
            LIST,
            ("churn", "create", "pods", "", 201),
            ("churn", "patch", "pods", "status", 200),
        ),
        scrapes(
            client=[("list", "pods", "", 200, 2)],
            metric=[
                ("LIST", "pods", "", 200, 2),
                ("POST", "pods", "", 201, 1),
                ("APPLY", "pods", "status", 200, 1),
            ],
        ),
    )
    assert ledgers.agree is True
    assert {Key("list", "pods", "", 200): 2} == ledgers.reached
    assert () == ledgers.missing


def test_a_server_that_sends_more_than_it_says_is_found_with_both_figures():
    ledgers = read_ledgers(
        a_trial(),
        audit(LIST, LIST, LIST),
        scrapes(client=[("list", "pods", "", 200, 1)], metric=[("LIST", "pods", "", 200, 3)]),
    )
    assert ledgers.agree is False
    assert ("list pods 200: the server's own count 1, audit log 3",) == ledgers.disagreements


def test_equal_totals_of_unlike_codes_do_not_agree():
    ledgers = read_ledgers(
        a_trial(),
        audit(LIST),
        scrapes(client=[("list", "pods", "", 500, 1)], metric=[("LIST", "pods", "", 200, 1)]),
    )
    assert 2 == len(ledgers.disagreements)


@pytest.mark.parametrize("code", [401, 403, 405])
def test_codes_the_metric_never_holds_are_left_out(code):
    ledgers = read_ledgers(
        a_trial(), audit(("direct", "list", "pods", "", code)), scrapes(client=[], metric=[])
    )
    assert ledgers.agree is True


def watch(received_us, stage="ResponseComplete"):
    return ("informer", "watch", "pods", "", 200, received_us, stage)


@pytest.mark.parametrize(
    ("row", "client", "ended", "grown"),
    [
        (watch(DURING, "ResponseStarted"), 1, 0, 1),  # opened in the window, still open
        (watch(BEFORE, "ResponseStarted"), 1, 0, 1),  # between the begin mark and the window
        (watch(DURING), 1, 1, 0),  # opened and ended in the window
        (watch(BEFORE), 0, 1, -1),  # opened before, ended in the window
    ],
)
def test_a_watch_counts_when_it_is_opened_on_all_three_sides(row, client, ended, grown):
    ledgers = read_ledgers(
        a_trial(server="informer"),
        audit(row),
        scrapes(
            client=[("watch", "pods", "", 200, client)],
            metric=[("WATCH", "pods", "", 200, ended)],
            watches=grown,
        ),
    )
    assert ledgers.agree is True
    assert client == ledgers.audit_user.total()


def test_a_watch_that_no_one_accounts_for_is_found():
    ledgers = read_ledgers(
        a_trial(server="informer"),
        audit(watch(DURING)),
        scrapes(client=[("watch", "pods", "", 200, 1)], metric=[], watches=0),
    )
    assert ledgers.agree is False


@pytest.mark.parametrize(("outcome", "did"), [("ok", 2), ("failed", 0)])
def test_whatever_observer_did_more_than_the_audit_log_holds_is_found(outcome, did):
    rows = pd.DataFrame({"outcome": [outcome] * 2})
    ledgers = read_ledgers(a_trial(), audit(), scrapes(), {"tenant": rows})
    expected = [f"tenant: did {did} by its own rows, audit log 0"] if did else []
    assert expected == [text for text in ledgers.disagreements if "tenant" in text]


@pytest.mark.parametrize(
    ("record", "user", "counted"),
    [
        ({"server": "direct-rv0"}, "direct", 1),  # the account that it shares
        ({"server": "mine", "identity": "direct"}, "direct", 1),  # a recorded one comes first
        ({}, "indirect", 0),  # whose name merely ends alike
    ],
)
def test_requests_are_those_of_the_account(record, user, counted):
    ledgers = read_ledgers(a_trial(**record), audit((user, *LIST[1:])), scrapes())
    assert counted == ledgers.audit_user.total()


def test_the_arm_without_a_server_is_compared_over_everyone_only():
    ledgers = read_ledgers(
        a_trial(server=NO_SERVER),
        audit(("churn", "delete", "pods", "", 200)),
        scrapes(metric=[("DELETE", "pods", "", 200, 1)]),
    )
    assert ledgers.agree is True
    assert ledgers.reached is None
    assert () == ledgers.missing


def test_ledgers_that_were_not_recorded_are_named_and_nothing_is_claimed():
    ledgers = read_ledgers(a_trial(), None, None)
    assert ledgers.agree is None
    assert ledgers.reached is None
    assert 3 == len(ledgers.missing)


def test_without_an_audit_log_the_servers_own_count_stands_in():
    ledgers = read_ledgers(a_trial(), None, scrapes(client=[("list", "pods", "", 200, 4)]))
    assert 4 == ledgers.reached.total()


def test_an_api_server_that_restarted_has_no_count_to_compare():
    restarted = Marks(
        pd.DataFrame(
            [
                ("begin", "apiserver", SERVER_METRIC, 'resource="pods",verb="LIST"', 100.0),
                ("end", "apiserver", SERVER_METRIC, 'resource="pods",verb="LIST"', 3.0),
            ],
            columns=["mark", "source", "name", "labels", "value"],
        )
    )
    ledgers = read_ledgers(a_trial(server=NO_SERVER), audit(LIST), restarted)
    assert ledgers.metric is None
    assert "restarted" in " ".join(ledgers.missing)


LEASE = ("update", "leases", "", 200)


def by_itself(rows):
    """The same rows, sent by the API server to itself."""
    return rows.assign(user="system:apiserver")


@pytest.mark.parametrize(
    ("itself", "others", "counted", "differs"),
    [
        (1, 0, 0, False),
        (0, 0, 1, False),
        (2, 0, 1, False),
        (1, 0, 3, False),
        (1, 0, 4, True),  # more than one a mark
        (1, 1, 1, True),  # a key that others use too is compared exactly
    ],
)
def test_what_only_the_api_server_asks_of_itself_may_straddle_a_mark(
    itself, others, counted, differs
):
    own_rows = by_itself(audit(*[("x", *LEASE)] * itself))
    rows = pd.concat([audit(LIST, *[("churn", *LEASE)] * others), own_rows])
    metric = [("LIST", "pods", "", 200, 1), ("PUT", "leases", "", 200, counted)]

    ledgers = read_ledgers(a_trial(), rows, scrapes([("list", "pods", "", 200, 1)], metric))

    assert ["update leases 200"] * differs == [text.split(":")[0] for text in ledgers.disagreements]


@pytest.mark.parametrize(("sent", "lost"), [(3, 2), (3, 3), (300, 12), (300, 13)])
def test_what_a_client_sends_while_a_mark_is_taken_may_be_on_either_side(sent, lost):
    record = replace(a_trial(), is_client=True, identity="direct", marks_s=5.0)
    metric = [("LIST", "pods", "", 200, sent - lost)]

    ledgers = read_ledgers(record, audit(*[LIST] * sent), scrapes((), metric))

    assert (lost in (3, 13)) == bool(ledgers.disagreements)


def test_a_request_that_the_metric_alone_knows_is_nobodys_to_excuse():
    metric = [("LIST", "pods", "", 200, 1), ("LIST", "secrets", "", 200, 1)]

    ledgers = read_ledgers(a_trial(), audit(LIST), scrapes([("list", "pods", "", 200, 1)], metric))

    assert ["list secrets 200"] == [text.split(":")[0] for text in ledgers.disagreements]
