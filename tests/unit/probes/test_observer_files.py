"""An observer is one file: its account, its rate and its table are found by its name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import bench.probes.observers as package
from bench.store import Store
from tests.unit.store.builders import a_run, a_trial

LATENCY = '''
"""Asks for the version of the API server."""

from dataclasses import dataclass

from bench.cluster.identities import Identity
from bench.probes.observers import Observer


@dataclass
class Row:
    sent_us: int
    done_us: int | None
    share: float
    outcome: str
    late: bool


class Version(Observer):
    title = "version reader"
    identity = Identity("version", ())
    row = Row
    placed_by = "sent_us"
    requests_per_s = 1.0
    requests = "1 read/s of a version reader"

    def __init__(self, credentials, placement):
        self.asked = 0

    def resume(self, server, seed):
        self.asked = 0

    def pause(self):
        return {"rows": [], "in_flight": 0}


OBSERVER = Version
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A further folder whose files are observers."""
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    package.observers.cache_clear()
    yield tmp_path
    package.observers.cache_clear()


def test_bystander_and_freshness_probe_are_found() -> None:
    assert ("bystander", "freshness") == package.names()
    assert ["bystander", "probe"] == [kind.identity.name for kind in package.observers().values()]


def test_a_further_file_is_an_observer_whose_table_is_read_by_name(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (folder / "version.py").write_text(LATENCY)
    observer = package.observers()["version"]
    store = Store(tmp_path_factory.mktemp("results"))
    writer = store.create(a_run())
    rows = [observer.row(1, None, 0.5, "ok", late=False), observer.row(2, 9, 1.0, "ok", late=True)]
    writer.write_trial(a_trial(), observed={"version": (observer.row, rows)})

    reader = store.open("latest")
    assert reader.has(a_trial(), "version")
    table = reader.observed(a_trial(), "version", ("done_us", "late"))
    assert [9.0] == list(table["done_us"].dropna())
    assert [False, True] == list(table["late"])


def test_a_file_without_an_observer_is_named(folder: Path) -> None:
    (folder / "empty.py").write_text("")
    with pytest.raises(TypeError, match=r"empty.py is no observer: it lacks an OBSERVER"):
        package.observers()
