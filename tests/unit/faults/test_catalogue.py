"""Faults are found by the names of their files."""

import pytest

from bench.faults import Fault, FaultError, load, names


def test_every_file_is_a_fault_with_a_text_for_the_report() -> None:
    assert ("freeze", "restart", "too-many-requests", "window-emptied") == names()
    for name in names():
        fault = load(name)
        assert issubclass(fault, Fault)
        assert fault.what.startswith("the API server ")


def test_an_unknown_fault_is_refused_with_the_nearest() -> None:
    with pytest.raises(FaultError, match="no fault 'freze'; did you mean 'freeze'"):
        load("freze")
