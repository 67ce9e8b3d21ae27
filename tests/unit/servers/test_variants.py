"""Further read paths: found by their file, pages that expire, answers cached for a while."""

import itertools
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from servers.source import Pod, PodPage, PodQuery, PodSource, SourceError
from servers.variants import load_variant, variant_names
from servers.variants.paged import PAGE_LIMIT, PagedSource
from servers.variants.ttl import TtlCache, TtlSource

VARIANT = """
from servers.server import Server

SERVER = Server("direct", "reads nothing at all", lambda settings, registry: None)
"""


class FakeSource(PodSource):
    """Answers lists by a function and records the queries."""

    def __init__(self, answer: Callable[[PodQuery], PodPage]) -> None:
        self._answer = answer
        self.queries: list[PodQuery] = []

    def list_pods(self, query: PodQuery) -> PodPage:
        self.queries.append(query)
        return self._answer(query)

    def get_pod(self, namespace: str, name: str, resource_version: str) -> Pod:
        self.queries.append(PodQuery(namespace=name))
        return Pod([b"{}"], resource_version)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    """An importable, empty package of variants."""
    folder = tmp_path / "more_variants"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield "more_variants", folder
    for name in [name for name in sys.modules if name.startswith("more_variants")]:
        del sys.modules[name]


def test_a_new_read_path_is_one_new_file(package):
    name, folder = package
    (folder / "no_pods.py").write_text(VARIANT)

    assert ["no-pods"] == variant_names(name)
    assert "reads nothing at all" == load_variant("no-pods", name).summary
    with pytest.raises(KeyError):
        load_variant("pods", name)


def test_a_server_is_imported_without_the_imports_of_others():
    code = "import sys, servers.cli; servers.cli.SERVERS['informer']; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "servers.informer_source" in done.stdout.split()
    assert not {"kubernetes", "servers.models"} & set(done.stdout.split())


def test_a_file_that_declares_no_server_is_named(package):
    name, folder = package
    (folder / "empty.py").touch()

    with pytest.raises(TypeError, match=r"empty\.py declares no SERVER"):
        load_variant("empty", name)


def pages(query: PodQuery) -> PodPage:
    if not query.continue_token:
        return PodPage([b"1", b",2"], "7", "to 3")
    return {
        "to 3": PodPage([b"3"], "7", "to nothing"),
        "to nothing": PodPage([], "7", "to 4"),
        "to 4": PodPage([b"4"], "7"),
    }[query.continue_token]


def test_pages_are_joined_to_the_list_at_the_version_of_the_first():
    source = FakeSource(pages)

    page = PagedSource(source).list_pods(PodQuery(namespace="n", label_selector="a=b"))

    assert b"1,2,3,4" == b"".join(page.parts)
    assert ("7", "") == (page.resource_version, page.continue_token)
    assert {PAGE_LIMIT} == {query.limit for query in source.queries}
    assert {("n", "a=b")} == {(query.namespace, query.label_selector) for query in source.queries}


@pytest.mark.parametrize(
    "query", [PodQuery(limit=2), PodQuery(resource_version="5"), PodQuery(continue_token="to 3")]
)
def test_a_query_with_a_page_or_a_version_is_passed_on(query):
    source = FakeSource(pages)

    PagedSource(source).list_pods(query)

    assert [query] == source.queries


def test_pages_that_expire_are_followed_by_the_whole_list_in_one_piece():
    def answer(query: PodQuery) -> PodPage:
        if query.continue_token:
            raise SourceError(410, "expired", continue_token="fresh")
        return PodPage([b"1"], "7", "more") if query.limit else PodPage([b"1,2,3"], "9")

    source = FakeSource(answer)

    page = PagedSource(source).list_pods(PodQuery())

    assert ("9", b"1,2,3") == (page.resource_version, b"".join(page.parts))
    assert [PAGE_LIMIT, PAGE_LIMIT, 0] == [query.limit for query in source.queries]


def test_other_failures_within_a_list_reach_the_client():
    def answer(query: PodQuery) -> PodPage:
        if query.continue_token:
            raise SourceError(503, "away")
        return PodPage([b"1"], "7", "more")

    with pytest.raises(SourceError, match="away"):
        PagedSource(FakeSource(answer)).list_pods(PodQuery())


def test_an_answer_is_reused_until_it_expires():
    now = [0.0]
    cache = TtlCache[int](5.0, 10, single_flight=True, clock=lambda: now[0])
    fetched = iter(range(10))

    def at(moment: float) -> int:
        now[0] = moment
        return cache.get("key", lambda: next(fetched))

    assert [0, 0, 1, 1, 2] == [at(0.0), at(4.9), at(5.0), at(9.9), at(10.0)]


def test_the_age_of_an_answer_counts_from_its_request():
    now = [0.0]
    cache = TtlCache[float](5.0, 10, single_flight=True, clock=lambda: now[0])

    def slow() -> float:
        now[0] += 3.0
        return now[0]

    assert 3.0 == cache.get("key", slow)
    now[0] = 5.0
    assert 8.0 == cache.get("key", slow)


def test_an_error_is_not_cached():
    cache = TtlCache[int](5.0, 10, single_flight=True)

    def refuse() -> int:
        raise SourceError(503, "away")

    with pytest.raises(SourceError):
        cache.get("key", refuse)
    assert 1 == cache.get("key", lambda: 1)


def test_the_least_recently_used_answer_is_dropped_first():
    cache = TtlCache[str](60.0, 2, single_flight=True)
    for key in ("a", "b", "a", "c"):
        cache.get(key, lambda: "first")

    again = {key: cache.get(key, lambda: "second") for key in ("a", "c")}

    assert {"a": "first", "c": "first"} == again
    assert "second" == cache.get("b", lambda: "second")


@pytest.mark.parametrize(("single_flight", "fetches"), [(True, 1), (False, 6)])
def test_concurrent_requests_for_an_expired_answer_fetch_it_once_or_each(single_flight, fetches):
    cache = TtlCache[int](60.0, 10, single_flight=single_flight)
    together = threading.Barrier(6)
    all_fetching = threading.Barrier(fetches)
    count: list[int] = []

    def fetch() -> int:
        count.append(1)
        all_fetching.wait(60)
        return 1

    def ask(_: int) -> int:
        together.wait(60)
        return cache.get("key", fetch)

    with ThreadPoolExecutor(6) as threads:
        assert [1] * 6 == list(threads.map(ask, range(6)))
    assert fetches == len(count)


@pytest.mark.parametrize("outcome", [1, SourceError(503, "away")], ids=["answer", "error"])
def test_requests_that_come_during_a_fetch_share_its_outcome_though_it_outlasts_the_ttl(outcome):
    looks = itertools.count()
    all_wait = threading.Event()

    def clock() -> float:
        look = next(looks)
        if look == 6:  # of each request at its start, and of the one that fetches
            all_wait.set()
        return float(look)

    cache = TtlCache[int](1.0, 10, single_flight=True, clock=clock)
    count: list[int] = []

    def fetch() -> int:
        count.append(1)
        assert all_wait.wait(60)
        if isinstance(outcome, SourceError):
            raise outcome
        return outcome

    def ask(_: int) -> int | SourceError:
        try:
            return cache.get("key", fetch)
        except SourceError as error:
            return error

    with ThreadPoolExecutor(6) as threads:
        assert [outcome] * 6 == list(threads.map(ask, range(6)))
    assert 1 == len(count)


def test_an_answer_at_a_version_is_not_cached():
    source = FakeSource(lambda query: PodPage([], "1"))
    ttl = TtlSource(source, 60.0, single_flight=True)

    for _ in range(2):
        ttl.list_pods(PodQuery())
        ttl.list_pods(PodQuery(resource_version="5"))
        ttl.get_pod("n", "kept", "")
        ttl.get_pod("n", "asked", "5")

    assert 6 == len(source.queries)
