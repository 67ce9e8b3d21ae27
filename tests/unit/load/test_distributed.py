"""Pure parts of a distributed load: shares, clocks, versions, and the worker registry."""

from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.distributed.clock import EXCHANGES, GOOD_S, MOST_EXCHANGES, Offset, best, enough
from bench.load.distributed.fingerprint import differences, fingerprint, sources
from bench.load.distributed.messages import Assignment
from bench.load.distributed.registry import Member, Rejection, WorkerRegistry
from bench.load.distributed.share import WHOLE, Share
from bench.load.spec import Load
from bench.model import Arrivals, LoadWorkers, Targets

OURS = {"sources": "aaa", "locust": "2.47.0"}


@given(whole=st.integers(0, 500), of=st.integers(1, 20))
def test_shares_of_a_number_add_up_and_differ_by_one_at_most(whole, of):
    parts = [Share(index, of).count(whole) for index in range(of)]
    assert whole == sum(parts)
    assert max(parts) - min(parts) <= 1


@given(items=st.lists(st.integers()), of=st.integers(1, 7))
def test_every_item_of_a_stream_is_in_one_share_and_in_order(items, of):
    parts = [list(Share(index, of).part(iter(items))) for index in range(of)]
    assert items == [parts[number % of][number // of] for number in range(len(items))]


def test_the_whole_share_is_the_stream_itself():
    stream = count()
    assert WHOLE.part(stream) is stream


def test_the_shortest_exchange_gives_the_offset_and_its_bound():
    slow = Offset.of_exchange(10.0, 110.9, 11.0)
    shortest = best([slow, Offset.of_exchange(20.0, 120.001, 20.004)])
    assert 99.999 == pytest.approx(shortest.offset_s)
    assert 0.002 == pytest.approx(shortest.uncertainty_s)


@given(
    offset=st.floats(-1e6, 1e6),
    ways=st.lists(st.tuples(st.floats(1e-6, 1.0), st.floats(1e-6, 1.0)), min_size=1),
)
def test_the_true_offset_is_within_the_bound_whatever_the_two_ways_take(offset, ways):
    shortest = best([Offset.of_exchange(0.0, out + offset, out + back) for out, back in ways])
    assert abs(shortest.offset_s - offset) <= shortest.uncertainty_s + 1e-9


def test_exchanges_continue_until_one_is_short_or_there_are_many():
    short, long = Offset.of_exchange(0.0, 0.0, GOOD_S / 2), Offset.of_exchange(0.0, 0.0, 1.0)
    assert not enough([short] * (EXCHANGES - 1))
    assert enough([short, *[long] * (EXCHANGES - 1)])
    assert not enough([long] * (MOST_EXCHANGES - 1))
    assert enough([long] * MOST_EXCHANGES)


def test_sources_that_differ_by_a_byte_or_a_name_have_different_digests(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\n")
    first = sources(tmp_path)
    assert first == sources(tmp_path)
    (tmp_path / "a.py").write_text("x = 2\n")
    second = sources(tmp_path)
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert 3 == len({first, second, sources(tmp_path)})


def test_differences_name_both_versions():
    theirs = {"sources": "bbb", "locust": "2.46.0"}
    assert (
        "sources bbb at the worker, aaa at the master; "
        "locust 2.46.0 at the worker, 2.47.0 at the master"
    ) == differences(OURS, theirs)
    assert differences(OURS, dict(OURS)) is None
    assert differences(fingerprint(), fingerprint()) is None


def test_a_registry_is_complete_with_its_local_workers_and_those_from_elsewhere():
    registry = WorkerRegistry(LoadWorkers(here=2, elsewhere=2), OURS)
    for client_id, name in (("d", None), ("b", "worker-2"), ("c", "gamma"), ("a", "worker-1")):
        assert not registry.complete
        assert isinstance(registry.enter(client_id, name, OURS), Member)
    assert registry.complete
    names = [member.name for member in registry.members]
    assert ["worker-1", "worker-2", "elsewhere-1", "gamma"] == names


def test_a_surplus_worker_may_retry_and_one_of_another_version_may_not():
    registry = WorkerRegistry(LoadWorkers(elsewhere=1), OURS)
    other = registry.enter("a", "old", {**OURS, "sources": "bbb"})
    reason = "it is of another version: sources bbb at the worker, aaa at the master"
    assert Rejection(reason) == other
    assert f"0 of 1 load workers are here; old was refused: {reason}" == registry.status()
    assert isinstance(registry.enter("b", None, OURS), Member)
    surplus = registry.enter("c", None, OURS)
    assert isinstance(surplus, Rejection)
    assert surplus.may_retry
    registry.leave("b")
    assert isinstance(registry.enter("c", None, OURS), Member)


def test_missing_workers_are_named_with_the_remedy():
    registry = WorkerRegistry(LoadWorkers(here=2, elsewhere=1), OURS)
    registry.enter("a", "worker-1", OURS)
    text = registry.shortage(60, "START")
    assert "1 of 3 load workers came within 60 s (worker-1)" in text
    assert "missing: worker-2" in text
    assert "1 from elsewhere missing; each is started with: START" in text


@pytest.mark.parametrize("rate_rps", [None, 12.5])
def test_an_assignment_crosses_the_wire_unchanged(rate_rps):
    targets = Targets(("ns",), (("ns", "pod"),), ("app=a",))
    load = Load("list-all", ("http://h:1",), 9, targets, rate_rps, Arrivals.POISSON, 7)
    sent = Assignment("gamma", Share(1, 3), load)
    assert sent == msgspec.convert(msgspec.to_builtins(sent), Assignment)
