"""The sites of a run: one, or one per Kubernetes version that its plan names."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from bench.cluster.binaries import KUBERNETES_VERSION, Version, resolve
from bench.cluster.binaries.pins import pin_for
from bench.model import Caveat, Environment, Plan, Scenario
from bench.plan import PlanError
from bench.sites.provider import LocalSite, Site


class Sites:
    """Where each scenario of a plan takes place; all are found before anything is measured."""

    def __init__(self, plan: Plan, site: Site | None, say: Callable[[str], None]) -> None:
        """Take ``site`` for all, or find binaries for each version that ``plan`` names.

        Raises ``BinariesUnavailable`` for a version that cannot be had, and ``PlanError``
        for a scenario that names a version at a ``site`` that has its own.
        """
        versions = dict.fromkeys(scenario.kubernetes for scenario in plan.scenarios)
        named = [version for version in versions if version is not None]
        self._sites: dict[str | None, Site] = {}
        if site is None:
            self._sites = _local_sites(versions, say)
        elif named:
            raise PlanError(
                f"a scenario asks for Kubernetes {named[0]}, and the cluster that is there has a "
                "version of its own; leave 'kubernetes' out, or run on a throwaway control plane"
            )
        else:
            self._sites[None] = site
        flagged = [scenario.name for scenario in plan.scenarios if scenario.apiserver_args]
        if site is not None and flagged:
            raise PlanError(
                f"the scenario {flagged[0]!r} has flags for an API server, and the one that is "
                "there has its own; leave 'apiserver_args' out, or --context"
            )
        self._environments = {key: site.environment() for key, site in self._sites.items()}
        if plan.objects and any(
            environment.existing for environment in self._environments.values()
        ):
            raise PlanError(
                "'objects' are written to a throwaway control plane alone: leave them out"
            )
        if plan.clients and any(
            environment.existing for environment in self._environments.values()
        ):
            raise PlanError(
                f"the client {plan.clients[0].name!r} would act on somebody's cluster: clients are "
                "measured on a throwaway control plane alone; leave --context out"
            )

    def of(self, scenario: Scenario) -> Site:
        """Return where ``scenario`` takes place."""
        site = self._sites[scenario.kubernetes]
        if scenario.apiserver_args and isinstance(site, LocalSite):
            return replace(site, apiserver_args=scenario.apiserver_args)
        return site

    def version_of(self, scenario: Scenario) -> str | None:
        """Return the version that ``scenario`` names, to its patch; ``None`` if it names none."""
        if scenario.kubernetes is None:
            return None
        return self._environments[scenario.kubernetes].kubernetes

    def environment(self) -> Environment:
        """Return what the run is made on and with; several versions are named one by one."""
        environments = list(self._environments.values())
        return replace(
            environments[0],
            kubernetes=_joined(environment.kubernetes for environment in environments),
            etcd=_joined(environment.etcd for environment in environments),
            binaries=_joined(environment.binaries for environment in environments),
        )

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """What limits every figure that is measured there."""
        return tuple(
            dict.fromkeys(caveat for site in self._sites.values() for caveat in site.caveats)
        )

    @property
    def private_words(self) -> tuple[str, ...]:
        """Names that may not be kept in results."""
        return tuple(word for site in self._sites.values() for word in site.private_words)

    @property
    def introduction(self) -> str:
        """What they are, in a line for the person at the terminal."""
        return "; ".join(dict.fromkeys(site.introduction for site in self._sites.values()))


def _local_sites(
    versions: Iterable[str | None], say: Callable[[str], None]
) -> dict[str | None, Site]:
    """Find binaries for each of ``versions``.

    Versions that cannot be built come first: they may end the run before anything is built.
    """
    texts = {key: key or KUBERNETES_VERSION for key in versions}
    binaries = {
        key: resolve(kubernetes=texts[key], say=say)
        for key in sorted(
            texts, key=lambda key: pin_for(Version.parse_request(texts[key])) is not None
        )
    }
    return {key: LocalSite(binaries[key]) for key in texts}


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(texts))
