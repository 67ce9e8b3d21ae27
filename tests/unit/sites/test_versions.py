"""Sites of a run: one for each version that its plan names, resolved beforehand."""

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
def resolved(monkeypatch, tmp_path):
    """Versions whose binaries were resolved; 1.2 is unavailable."""
    versions = []

    def resolve(*, kubernetes, say):
        if kubernetes == "1.2":
            raise BinariesUnavailable("no kube-apiserver and etcd for Kubernetes 1.2")
        versions.append(kubernetes)
        full = kubernetes if kubernetes.count(".") == 2 else f"{kubernetes}.9"
        return Binaries(tmp_path / "a", tmp_path / "e", full, f"3.{len(versions)}.0", "cache")

    monkeypatch.setattr(module, "resolve", resolve)
    return versions


def test_a_plan_that_names_no_version_takes_place_on_the_default_one(resolved):
    sites = Sites(PLAN, None, print)
    assert [KUBERNETES_VERSION] == resolved
    assert sites.version_of(SCENARIO) is None
    assert KUBERNETES_VERSION == sites.environment().kubernetes


def test_each_version_has_its_own_binaries_and_is_named_to_its_patch(resolved):
    sites = Sites(replace(PLAN, scenarios=(NEW, OLD)), None, print)
    assert ["1.37", "1.30"] == resolved
    assert "1.30.9" == sites.version_of(OLD)
    assert sites.of(OLD).binaries.kubernetes == "1.30.9"
    assert ("1.37.9, 1.30.9", "3.1.0, 3.2.0") == (
        sites.environment().kubernetes,
        sites.environment().etcd,
    )


def test_an_unavailable_version_raises_before_another_is_fetched_or_built(resolved):
    plan = replace(PLAN, scenarios=(NEW, replace(OLD, kubernetes="1.2")))
    with pytest.raises(BinariesUnavailable, match=r"Kubernetes 1\.2"):
        Sites(plan, None, print)
    assert [] == resolved


def test_an_existing_cluster_has_its_own_version(resolved, tmp_path):
    there = LocalSite(Binaries(tmp_path / "a", tmp_path / "e", "1.36.1", "3.6.0", "elsewhere"))
    assert there is Sites(PLAN, there, print).of(SCENARIO)
    with pytest.raises(PlanError, match=r"asks for Kubernetes 1\.30, but an existing cluster"):
        Sites(replace(PLAN, scenarios=(OLD,)), there, print)
    assert [] == resolved


def test_a_scenario_with_flags_has_an_api_server_with_them(resolved):
    flagged = replace(SCENARIO, name="flagged", apiserver_args=("--v=2",))
    sites = Sites(replace(PLAN, scenarios=(SCENARIO, flagged)), None, print)
    assert ((), ("--v=2",)) == tuple(sites.of(case).apiserver_args for case in (SCENARIO, flagged))
    assert [KUBERNETES_VERSION] == resolved


def test_features_that_need_our_own_control_plane_are_refused_on_an_existing_cluster(tmp_path):
    there = LocalSite(Binaries(tmp_path / "a", tmp_path / "e", "1.36.1", "3.6.0", "elsewhere"))
    flagged = (replace(SCENARIO, apiserver_args=("--v=2",)),)
    with pytest.raises(PlanError, match="has flags for an API server"):
        Sites(replace(PLAN, scenarios=flagged), there, print)
    theirs = Existing(there)
    with pytest.raises(PlanError, match="the client 'mine' would act on somebody's cluster"):
        Sites(replace(PLAN, clients=(Client("mine", "./mine"),)), theirs, print)
    with pytest.raises(PlanError, match="'objects' are only for a throwaway control plane"):
        Sites(replace(PLAN, objects=(Objects("secrets", 1),)), theirs, print)


class Existing:
    """A site that reports an existing cluster."""

    def __init__(self, site):
        self._site = site

    def environment(self):
        return replace(self._site.environment(), existing=True)
