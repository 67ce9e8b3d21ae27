"""Whole lists in pieces, and snapshots kept for pages, over snapshots made by the tests."""

from base64 import urlsafe_b64encode

import pytest

from informer.tests.shapes import cached
from kube_informer import Snapshot
from kube_informer.objects import CachedObject
from kube_informer.snapshot import SnapshotEditor
from servers import continue_token
from servers.bodies import Bodies
from servers.continue_token import Position
from servers.retained import RetainedSnapshots
from servers.source import SourceError


def item(number: int, version: int = 1) -> CachedObject:
    return cached(f"p{number:04d}", version)


def snapshot(count: int, version: str = "1") -> Snapshot:
    return Snapshot.of([item(number) for number in range(count)], version)


def changed(before: Snapshot, number: int, version: int) -> Snapshot:
    editor = SnapshotEditor(before)
    editor.put(item(number, version))
    return editor.commit(str(version))


@pytest.mark.parametrize("count", [0, 1, 64, 65, 1000])
def test_the_pieces_are_the_list(count: int) -> None:
    bodies, current = Bodies(), snapshot(count)

    for _ in range(2):
        body = b"".join(bodies.parts(current, None))
        assert b",".join(pod.raw for pod in current) == body


def test_a_change_leaves_all_pieces_but_one_as_they_are() -> None:
    bodies, before = Bodies(), snapshot(1000)
    first = list(bodies.parts(before, None))
    after = changed(before, 500, 2)

    second = list(bodies.parts(after, None))

    assert b",".join(pod.raw for pod in after) == b"".join(second)
    assert len(first) - 1 == sum(old is new for old, new in zip(first, second, strict=True))


def test_a_list_requested_again_is_not_made_again() -> None:
    bodies, current = Bodies(), snapshot(100)

    assert bodies.parts(current, None) is bodies.parts(current, None)


class Clock:
    """A clock that shows ``now``."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_newer_snapshots_replace_the_oldest_first() -> None:
    kept = RetainedSnapshots(max_snapshots=2)
    for version in "123":
        kept.keep(snapshot(1, version))

    assert [False, True, True] == [kept.at_version(version) is not None for version in "123"]


def test_a_snapshot_kept_again_stays_the_longer() -> None:
    kept = RetainedSnapshots(max_snapshots=2)
    for version in "1213":
        kept.keep(snapshot(1, version))

    assert [True, False, True] == [kept.at_version(version) is not None for version in "123"]


def test_kept_snapshots_are_dropped_after_their_time() -> None:
    clock = Clock()
    kept = RetainedSnapshots(max_age_s=300, clock=clock)
    kept.keep(snapshot(1, "7"))

    clock.now = 299.0
    assert kept.at_version("7") is not None
    clock.now = 300.0
    assert kept.at_version("7") is None


def test_kept_snapshots_are_bounded_in_bytes_but_the_newest_stays() -> None:
    kept = RetainedSnapshots(max_bytes=1)
    kept.keep(snapshot(5, "1"))
    kept.keep(snapshot(5, "2"))

    assert kept.at_version("1") is None
    assert kept.at_version("2") is not None


@pytest.mark.parametrize("namespace", [None, "a"])
def test_a_token_is_read_back_as_it_was_issued(namespace: str | None) -> None:
    position = Position("3", namespace, "a/é")

    assert position == continue_token.read(continue_token.issue(position))


@pytest.mark.parametrize(
    "content", [b"", b"null", b'["x",null,"a/b"]', b'["1\\n",null,"a/b"]', b"[1]"]
)
def test_a_token_with_a_right_checksum_and_a_wrong_content_is_refused(content: bytes) -> None:
    forged = urlsafe_b64encode(continue_token._checksum(content) + content).decode()

    with pytest.raises(SourceError, match="400: invalid continue token"):
        continue_token.read(forged)
