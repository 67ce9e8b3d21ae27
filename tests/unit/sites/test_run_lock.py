"""Live runs, by locks that the kernel releases."""

import pytest

from bench.cluster.existing.run_lock import Life, forget, holding, life


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_a_run_lives_as_long_as_it_is_held_and_has_ended_then() -> None:
    with holding("7-ab"):
        assert Life.ALIVE is life("7-ab")
    assert Life.ENDED is life("7-ab")


def test_a_run_that_was_not_begun_here_or_is_forgotten_is_unknown() -> None:
    assert Life.UNKNOWN is life("7-ab")
    with holding("7-ab"):
        pass
    forget("7-ab")
    assert Life.UNKNOWN is life("7-ab")


def test_a_label_that_names_a_path_leads_nowhere_else(tmp_path) -> None:
    (tmp_path / "x.lock").touch()
    forget("../../x")
    assert (tmp_path / "x.lock").exists()
