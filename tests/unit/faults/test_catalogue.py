"""Faults are found by the names of their files."""

import pytest

from bench.faults import Fault, FaultError, load, names


def test_every_file_is_a_fault_with_words_for_the_reader() -> None:
    assert ("freeze", "restart", "too-many-requests", "window-emptied") == names()
    for name in names():
        found = load(name)
        assert issubclass(found, Fault)
        assert found.what.startswith("the API server ")


def test_an_unknown_fault_is_refused_with_the_nearest() -> None:
    with pytest.raises(FaultError, match="no fault 'freze'; did you mean 'freeze'"):
        load("freze")
