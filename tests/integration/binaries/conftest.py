"""A machine with nothing on it, and a mirror of the archives as its only network."""

import pytest

from tests.integration.binaries.machine import Machine
from tests.integration.binaries.mirror import Mirror


@pytest.fixture
def mirror():
    mirror = Mirror()
    yield mirror
    mirror.close()


@pytest.fixture
def machine(tmp_path, mirror):
    """A machine without any binary, without Go, and with the mirror as its only network."""
    return Machine(tmp_path / "home", f"{mirror.address}/index.yaml")
