"""Which lines of the audit log are requests, and whose."""

from collections import Counter

from bench.interactive.live_metrics import count, identity, throttled
from bench.probes.audit import AuditRow

DIRECT = "system:serviceaccount:informer-bench:direct"


def line(verb, code=200, stage="ResponseComplete", user=DIRECT):
    return AuditRow("id", user, verb, "pods", "", "", "", code, "/pods", stage, 0, 0, "")


def test_a_service_account_is_called_by_its_own_name_and_others_by_all_of_theirs():
    assert "direct" == identity(DIRECT)
    assert "system:apiserver" == identity("system:apiserver")


def test_a_watch_counts_when_it_is_opened_and_not_again_when_it_ends():
    opened, ended = line("watch", stage="ResponseStarted"), line("watch")
    assert Counter({("direct", "watch"): 1}) == count([opened])
    assert Counter() == count([ended])


def test_a_refused_watch_counts_when_it_is_answered():
    assert Counter({("direct", "watch"): 1}) == count([line("watch", 403)])


def test_everything_else_counts_when_it_is_answered():
    rows = [line("list"), line("list"), line("get", 404), line("list", stage="ResponseStarted")]
    assert Counter({("direct", "list"): 2, ("direct", "get"): 1}) == count(rows)


def test_requests_sent_away_are_counted_apart():
    assert Counter({"direct": 1}) == throttled([line("list", 429), line("list")])
