"""A unit test of a controller, with a fake source in place of a cluster."""

import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from page_controller import PAGES, PageController

from kube_informer import CONFIGMAPS, CachedObject
from kube_informer.testing import FakeSource

PATIENCE_S = 30


class Notes:
    """A writer that records its calls, and fails the first ``conflicts`` creations."""

    def __init__(self) -> None:
        self.written: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self.conflicts = 0

    def create(self, config_map: dict[str, Any]) -> None:
        if self.conflicts:
            self.conflicts -= 1
            raise RuntimeError("409 Conflict")
        self.written.put(("create", config_map))

    def replace(self, config_map: dict[str, Any]) -> None:
        self.written.put(("replace", config_map))

    def observed(self, page: CachedObject, generation: int) -> None:
        self.written.put(("observed", generation))

    def next(self) -> tuple[str, Any]:
        return self.written.get(timeout=PATIENCE_S)


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def source(notes: Notes) -> Iterator[FakeSource]:
    source = FakeSource()
    stop = threading.Event()
    controller = threading.Thread(target=PageController(source, notes).run, args=(stop,))
    controller.start()
    yield source
    stop.set()
    controller.join()


def page(text: str, generation: int) -> dict[str, Any]:
    return {
        "kind": "Page",
        "metadata": {"name": "home", "namespace": "site", "uid": "u", "generation": generation},
        "spec": {"text": text},
        "status": {"observedGeneration": generation},
    }


def test_a_new_page_gets_a_config_map_also_after_a_conflict(source: FakeSource, notes: Notes):
    notes.conflicts = 2
    source.put(PAGES, page("hello", 1))
    verb, config_map = notes.next()
    assert ("create", {"index.html": "<p>hello</p>\n"}) == (verb, config_map["data"])


def test_a_config_map_that_was_edited_is_restored(source: FakeSource, notes: Notes):
    source.put(PAGES, page("hello", 1))
    _, config_map = notes.next()
    spoilt = config_map | {"kind": "ConfigMap", "data": {"index.html": "spoilt"}}
    version = source.put(CONFIGMAPS, spoilt)
    verb, restored = notes.next()
    assert "replace" == verb
    assert ({"index.html": "<p>hello</p>\n"}, version) == (
        restored["data"],
        restored["metadata"]["resourceVersion"],
    )
