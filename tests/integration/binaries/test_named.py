"""Ready-made binaries: named by the user, or left by setup-envtest."""

import pytest

from bench.cluster.binaries import BinariesUnavailable
from tests.integration.binaries.stand_ins import (
    ETCD_SCRIPT,
    TARGET,
    apiserver_script,
    write_assets,
    write_program,
)


@pytest.fixture
def assets(tmp_path):
    return write_assets(tmp_path / "assets")


def test_single_variables_name_each_binary(machine, assets):
    machine.env["TEST_ASSET_KUBE_APISERVER"] = str(assets / "kube-apiserver")
    machine.env["TEST_ASSET_ETCD"] = str(assets / "etcd")
    binaries = machine.resolve()
    assert (assets / "kube-apiserver", assets / "etcd") == (binaries.kube_apiserver, binaries.etcd)
    assert ("1.37.2", "3.7.0", "environment") == (
        binaries.kubernetes,
        binaries.etcd_version,
        binaries.source,
    )


def test_named_binaries_are_used_without_a_message_and_without_a_trace(machine, assets):
    machine.env["KUBEBUILDER_ASSETS"] = str(assets)
    machine.resolve()
    assert ([], False) == (machine.messages, machine.home.exists())


def test_a_folder_names_both_and_a_single_variable_wins_over_it(machine, assets, tmp_path):
    other = write_program(tmp_path / "other", ETCD_SCRIPT.replace("3.7.0", "3.7.1"))
    machine.env["KUBEBUILDER_ASSETS"] = str(assets)
    machine.env["TEST_ASSET_ETCD"] = str(other)
    binaries = machine.resolve()
    assert (assets / "kube-apiserver", other, "3.7.1") == (
        binaries.kube_apiserver,
        binaries.etcd,
        binaries.etcd_version,
    )


def test_one_binary_named_alone_is_an_error_that_names_the_missing_variable(machine, assets):
    machine.env["TEST_ASSET_ETCD"] = str(assets / "etcd")
    with pytest.raises(BinariesUnavailable, match="no kube-apiserver: set TEST_ASSET_KUBE_API"):
        machine.resolve()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda etcd: etcd.unlink(), "etcd does not exist or is not a file"),
        (lambda etcd: etcd.chmod(0o644), "etcd is not executable"),
        (
            lambda etcd: etcd.write_bytes(b"\x7fELF but cut off"),
            "etcd cannot be run: .*Exec format error",
        ),
        (
            lambda etcd: write_program(etcd, "#!/bin/sh\necho hello\n"),
            "is not a etcd: --version printed 'hello'",
        ),
    ],
)
def test_a_named_binary_that_cannot_be_used_is_an_error_and_nothing_else_is_tried(
    machine, mirror, assets, damage, words
):
    damage(assets / "etcd")
    machine.env["KUBEBUILDER_ASSETS"] = str(assets)
    with pytest.raises(BinariesUnavailable, match=f"{words}.*; correct or unset KUBEBUILDER_AS"):
        machine.resolve()
    assert [] == mirror.requests


def test_another_patch_version_may_be_named(machine, assets):
    write_program(assets / "kube-apiserver", apiserver_script("1.37.9"))
    machine.env["KUBEBUILDER_ASSETS"] = str(assets)
    assert "1.37.9" == machine.resolve().kubernetes


def test_another_minor_version_is_an_error_that_names_both(machine, assets):
    write_program(assets / "kube-apiserver", apiserver_script("1.31.0"))
    machine.env["KUBEBUILDER_ASSETS"] = str(assets)
    with pytest.raises(BinariesUnavailable, match=r"of Kubernetes 1\.31\.0, not 1\.37\.2"):
        machine.resolve()


def test_another_minor_version_can_be_requested(machine, assets):
    write_program(assets / "kube-apiserver", apiserver_script("1.31.0"))
    machine.env["KUBEBUILDER_ASSETS"] = str(assets)
    assert "1.31.0" == machine.resolve(kubernetes="1.31.4").kubernetes


def test_a_text_that_is_no_version_is_refused(machine):
    with pytest.raises(ValueError, match=r"'1\.x' is not a version such as 1\.37 or 1\.37\.2"):
        machine.resolve(kubernetes="1.x")


@pytest.mark.parametrize("variable", [None, "XDG_DATA_HOME"])
def test_the_store_of_setup_envtest_is_found_where_it_keeps_it(machine, mirror, variable):
    data = machine.home / ".local" / "share"
    if variable:
        data = machine.home / "data"
        machine.env[variable] = str(data)
    store = data / "kubebuilder-envtest" / "k8s"
    write_assets(store / f"1.36.3-{TARGET}", "1.36.3")
    write_assets(store / "1.37.2-plan9-mips", "1.37.2")
    write_assets(store / f"1.37.0-{TARGET}", "1.37.0")
    binaries = machine.resolve()
    assert ("setup-envtest", "1.37.0") == (binaries.source, binaries.kubernetes)
    assert store / f"1.37.0-{TARGET}" / "etcd" == binaries.etcd
    assert [] == mirror.requests


def test_a_damaged_store_is_passed_over_with_the_reason(machine):
    store = machine.home / ".local" / "share" / "kubebuilder-envtest" / "k8s"
    write_assets(store / f"1.37.0-{TARGET}", "1.37.0")
    (store / f"1.37.0-{TARGET}" / "etcd").unlink()
    with pytest.raises(BinariesUnavailable, match=r"setup-envtest: its store is damaged: .*etcd"):
        machine.resolve()
