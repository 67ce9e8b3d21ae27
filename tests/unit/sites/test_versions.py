"""The control planes of a run: one for each version that its plan names, found beforehand."""

from dataclasses import replace

import pytest

from bench.cluster.binaries import KUBERNETES_VERSION, Binaries, BinariesUnavailable
from bench.model import Client, Objects
from bench.plan import PlanError
from bench.sites import versions as module
from bench.sites.provider import LocalSite
from bench.sites.versions import Sites
from tests.unit.store.builders import a_plan

PLAN = a_plan()
SCENARIO = PLAN.scenarios[0]
OLD, NEW = (replace(SCENARIO, name=name, kubernetes=name[1:]) for name in ("v1.30", "v1.37"))


@pytest.fixture(autouse=True)
def asked(monkeypatch, tmp_path):
    """Versions that were asked for; 1.2 cannot be had."""
    versions = []

    def resolve(*, kubernetes, say):
        if kubernetes == "1.2":
            raise BinariesUnavailable("no kube-apiserver and etcd for Kubernetes 1.2")
        versions.append(kubernetes)
        full = kubernetes if kubernetes.count(".") == 2 else f"{kubernetes}.9"
        return Binaries(tmp_path / "a", tmp_path / "e", full, f"3.{len(versions)}.0", "cache")

    monkeypatch.setattr(module, "resolve", resolve)
    return versions


def test_a_plan_that_names_no_version_takes_place_on_the_default_one(asked):
    sites = Sites(PLAN, None, print)
    assert [KUBERNETES_VERSION] == asked
    assert sites.version_of(SCENARIO) is None
    assert KUBERNETES_VERSION == sites.environment().kubernetes


def test_each_version_has_its_own_binaries_and_is_named_to_its_patch(asked):
    sites = Sites(replace(PLAN, scenarios=(NEW, OLD)), None, print)
    assert ["1.37", "1.30"] == asked
    assert "1.30.9" == sites.version_of(OLD)
    assert sites.of(OLD).binaries.kubernetes == "1.30.9"
    assert ("1.37.9, 1.30.9", "3.1.0, 3.2.0") == (
        sites.environment().kubernetes,
        sites.environment().etcd,
    )


def test_a_version_that_cannot_be_had_ends_it_before_another_is_fetched_or_built(asked):
    plan = replace(PLAN, scenarios=(NEW, replace(OLD, kubernetes="1.2")))
    with pytest.raises(BinariesUnavailable, match=r"Kubernetes 1\.2"):
        Sites(plan, None, print)
    assert [] == asked


def test_a_cluster_that_is_there_has_a_version_of_its_own(asked, tmp_path):
    there = LocalSite(Binaries(tmp_path / "a", tmp_path / "e", "1.36.1", "3.6.0", "elsewhere"))
    assert there is Sites(PLAN, there, print).of(SCENARIO)
    with pytest.raises(PlanError, match=r"asks for Kubernetes 1\.30, and the cluster that is"):
        Sites(replace(PLAN, scenarios=(OLD,)), there, print)
    assert [] == asked


def test_a_scenario_with_flags_has_an_api_server_with_them(asked):
    flagged = replace(SCENARIO, name="flagged", apiserver_args=("--v=2",))
    sites = Sites(replace(PLAN, scenarios=(SCENARIO, flagged)), None, print)
    assert ((), ("--v=2",)) == tuple(sites.of(one).apiserver_args for one in (SCENARIO, flagged))
    assert [KUBERNETES_VERSION] == asked


def test_what_needs_a_control_plane_of_ones_own_is_refused_on_a_cluster_that_is_there(tmp_path):
    there = LocalSite(Binaries(tmp_path / "a", tmp_path / "e", "1.36.1", "3.6.0", "elsewhere"))
    flagged = (replace(SCENARIO, apiserver_args=("--v=2",)),)
    with pytest.raises(PlanError, match="has flags for an API server"):
        Sites(replace(PLAN, scenarios=flagged), there, print)
    theirs = Existing(there)
    with pytest.raises(PlanError, match="the client 'mine' would act on somebody's cluster"):
        Sites(replace(PLAN, clients=(Client("mine", "./mine"),)), theirs, print)
    with pytest.raises(PlanError, match="'objects' are written to a throwaway control plane alone"):
        Sites(replace(PLAN, objects=(Objects("secrets", 1),)), theirs, print)


class Existing:
    """A site that says of itself that it was there before."""

    def __init__(self, site):
        self._site = site

    def environment(self):
        return replace(self._site.environment(), existing=True)
