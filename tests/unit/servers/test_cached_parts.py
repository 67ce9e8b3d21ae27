"""Whole lists in pieces, and snapshots kept for pages, over snapshots made by hand."""

import json

import pytest

from informer.tests.shapes import pod
from kube_informer import Snapshot
from kube_informer.objects import CachedObject, decode_object
from kube_informer.snapshot import SnapshotEditor
from servers.bodies import Bodies
from servers.retained import Position, RetainedSnapshots, Tokens
from servers.source import SourceError


def item(number: int, version: int = 1) -> CachedObject:
    return decode_object(json.dumps(pod(f"p{number:04d}", version)).encode())


def snapshot(count: int, version: str = "1") -> Snapshot:
    return Snapshot.of([item(number) for number in range(count)], version)


def changed(before: Snapshot, number: int, version: int) -> Snapshot:
    editor = SnapshotEditor(before)
    editor.put(item(number, version))
    return editor.commit(str(version))


@pytest.mark.parametrize("count", [0, 1, 64, 65, 1000])
def test_the_pieces_are_the_list(count: int) -> None:
    bodies, now = Bodies(), snapshot(count)

    for _ in range(2):
        whole = b"".join(bodies.parts(now, None))
        assert b",".join(each.raw for each in now) == whole


def test_a_change_leaves_all_pieces_but_one_as_they_are() -> None:
    bodies, before = Bodies(), snapshot(1000)
    first = list(bodies.parts(before, None))
    after = changed(before, 500, 2)

    second = list(bodies.parts(after, None))

    assert b",".join(each.raw for each in after) == b"".join(second)
    assert len(first) - 1 == sum(old is new for old, new in zip(first, second, strict=True))


def test_a_list_asked_for_again_is_not_made_again() -> None:
    bodies, now = Bodies(), snapshot(100)

    assert bodies.parts(now, None) is bodies.parts(now, None)


class Clock:
    """Tells the time it is set to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_kept_snapshots_give_way_to_newer_ones_the_oldest_first() -> None:
    kept = RetainedSnapshots(max_snapshots=2)
    numbers = [kept.keep(snapshot(1, str(version))) for version in (1, 2, 3)]

    assert [False, True, True] == [kept.numbered(number) is not None for number in numbers]


def test_kept_snapshots_are_let_go_after_their_time() -> None:
    clock = Clock()
    kept = RetainedSnapshots(max_age_s=300, clock=clock)
    number = kept.keep(snapshot(1, "7"))

    clock.now = 299.0
    assert kept.numbered(number) is kept.at_version("7") is not None
    clock.now = 300.0
    assert kept.numbered(number) is None


def test_kept_snapshots_are_bounded_in_bytes_but_the_newest_stays() -> None:
    kept = RetainedSnapshots(max_bytes=1)
    first, second = kept.keep(snapshot(5, "1")), kept.keep(snapshot(5, "2"))

    assert kept.numbered(first) is None
    assert kept.numbered(second) is not None


def test_a_token_is_read_back_by_its_issuer_alone() -> None:
    position = Position(3, None, "a/é")
    ours, other = Tokens(), Tokens()
    token = ours.issue(position)

    assert position == ours.read(token)
    with pytest.raises(SourceError, match="400"):
        other.read(token)
