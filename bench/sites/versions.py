"""The sites of a run: one, or one per Kubernetes version that its plan names."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from bench.cluster.binaries import KUBERNETES_VERSION, Version, resolve
from bench.cluster.binaries.pins import pin_for
from bench.model import Caveat, Environment, Plan, Scenario
from bench.plan import PlanError
from bench.sites.provider import LocalSite, Site


class Sites:
    """Sites of a plan's scenarios; all are resolved before anything is measured."""

    def __init__(self, plan: Plan, site: Site | None, say: Callable[[str], None]) -> None:
        """Use ``site`` for all, or find binaries for each version that ``plan`` names.

        Raises ``BinariesUnavailable`` for an unavailable version, and ``PlanError`` for a
        scenario that names a version although ``site`` has its own.
        """
        versions = dict.fromkeys(scenario.kubernetes for scenario in plan.scenarios)
        named = [version for version in versions if version is not None]
        self._sites: dict[str | None, Site] = {}
        if site is None:
            self._sites = _local_sites(versions, say)
        elif named:
            raise PlanError(
                f"a scenario asks for Kubernetes {named[0]}, but an existing cluster has its own "
                "version; leave 'kubernetes' out, or run on a throwaway control plane"
            )
        else:
            self._sites[None] = site
        flagged = [scenario.name for scenario in plan.scenarios if scenario.apiserver_args]
        if site is not None and flagged:
            raise PlanError(
                f"the scenario {flagged[0]!r} has flags for an API server, but an existing one "
                "has its own; leave 'apiserver_args' out, or --context"
            )
        self._environments = {key: site.environment() for key, site in self._sites.items()}
        if plan.objects and any(
            environment.existing for environment in self._environments.values()
        ):
            raise PlanError("'objects' are only for a throwaway control plane: leave them out")
        if plan.clients and any(
            environment.existing for environment in self._environments.values()
        ):
            raise PlanError(
                f"the client {plan.clients[0].name!r} would act on somebody's cluster: clients are "
                "measured only on a throwaway control plane; leave --context out"
            )

    def of(self, scenario: Scenario) -> Site:
        """Return the site of ``scenario``."""
        site = self._sites[scenario.kubernetes]
        if scenario.apiserver_args and isinstance(site, LocalSite):
            return replace(site, apiserver_args=scenario.apiserver_args)
        return site

    def version_of(self, scenario: Scenario) -> str | None:
        """Return the version that ``scenario`` names, with its patch; ``None`` without one."""
        if scenario.kubernetes is None:
            return None
        return self._environments[scenario.kubernetes].kubernetes

    def environment(self) -> Environment:
        """Return machine and software of the run; several versions are joined by commas."""
        environments = list(self._environments.values())
        return replace(
            environments[0],
            kubernetes=_joined(environment.kubernetes for environment in environments),
            etcd=_joined(environment.etcd for environment in environments),
            binaries=_joined(environment.binaries for environment in environments),
        )

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """Limits of every figure that is measured there."""
        return tuple(
            dict.fromkeys(caveat for site in self._sites.values() for caveat in site.caveats)
        )

    @property
    def private_words(self) -> tuple[str, ...]:
        """Names that must not be stored in results."""
        return tuple(word for site in self._sites.values() for word in site.private_words)

    @property
    def introduction(self) -> str:
        """Description of the sites, in a line for the person at the terminal."""
        return "; ".join(dict.fromkeys(site.introduction for site in self._sites.values()))


def _local_sites(
    versions: Iterable[str | None], say: Callable[[str], None]
) -> dict[str | None, Site]:
    """Find binaries for each version, unbuildable ones first: they may end the run at once."""
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
