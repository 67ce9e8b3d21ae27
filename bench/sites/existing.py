"""An existing cluster as a site."""

from dataclasses import dataclass, field, replace

from bench.cluster.existing.access import Access
from bench.cluster.existing.plane import ExistingPlane, Say, Terms
from bench.cluster.placement import SIZES, SIZES_WITHOUT_STATUS
from bench.cluster.pods import SIZES as SIZES_AT_HOME
from bench.model import Caveat, CaveatKind, Environment
from bench.sites.provenance import UNKNOWN, describe_machine
from bench.supervision.watchdog import Watchdog

BINARIES = "an existing cluster"
CHANGED = (
    "all pods are in one namespace; both servers read that namespace alone",
    "pods are never scheduled and never run: no node, no address, no owner, no running container",
)
WITH_STATUS = f"a pod is of {SIZES}; on a control plane of our own it is of {SIZES_AT_HOME}"
WITHOUT_STATUS = (
    f"pods have no status, which may not be written there: one is of {SIZES_WITHOUT_STATUS}; on a "
    f"control plane of our own it is of {SIZES_AT_HOME}"
)


@dataclass(slots=True)
class ExistingSite:
    """The cluster that the person consented to use: each start makes its own namespace there.

    ``version`` is that of Kubernetes there.
    """

    access: Access
    terms: Terms
    version: str
    say: Say
    _planes: list[ExistingPlane] = field(default_factory=list)

    @property
    def private_words(self) -> tuple[str, ...]:
        """Names of the cluster and the person that must not be stored."""
        return self.terms.private_words

    @property
    def beginning(self) -> str:
        """Progress text while ``start`` runs."""
        is_taken = self.terms.is_handed_over
        return "taking the namespace" if is_taken else "making a namespace of our own"

    @property
    def introduction(self) -> str:
        """Version of Kubernetes and namespace, in a line for the person."""
        return f"Kubernetes {self.version}, existing; in the namespace {self.terms.namespace}"

    @property
    def caveats(self) -> tuple[Caveat, ...]:
        """How an existing cluster limits every figure, and the data the figures rest on."""
        rests, missing = "each server's own count", []
        if self.terms.audit_log:
            rests += " and the audit log"
        else:
            rests += " (what the freshness probe read through it is in it, too)"
            missing.append("no audit log")
        if self.terms.reads_metrics:
            seen = (
                "what others did meanwhile is in the API server's CPU, bytes and counters, which "
                "are those of the one API server that answered"
            )
        else:
            missing.append("no metrics of the API server, which this account may not read")
            seen = "nothing the API server says of itself was read"
        missing.append("nothing of etcd and of the control plane's processes")
        text = (
            f"measured on a cluster that is not this project's own: {seen}. Requests rest on "
            f"{rests}; there was {', '.join(missing)}"
        )
        return (Caveat(CaveatKind.EXISTING_CLUSTER, text),)

    def environment(self) -> Environment:
        """Describe this machine; of the cluster only its version and fingerprint are recorded."""
        terms = self.terms
        changed = (*CHANGED, WITH_STATUS if terms.writes_status else WITHOUT_STATUS)
        return replace(
            describe_machine(
                kubernetes=self.version,
                etcd=UNKNOWN,
                binaries=BINARIES,
                changed_defaults=changed,
            ),
            existing=True,
            cluster=self.access.fingerprint(),
        )

    def start(self, watchdog: Watchdog) -> ExistingPlane:
        """Make a namespace, with a new name each time: the previous one may still be ending.

        A handed-over namespace is claimed again. Raises the errors of ``ExistingPlane.start``.
        """
        number = len(self._planes) + 1
        base = self.terms.namespace
        terms = self.terms
        if number > 1 and not terms.is_handed_over:
            terms = replace(terms, namespace=f"{base}-{number}")
        plane = ExistingPlane.start(self.access, terms, watchdog, self.say)
        self._planes.append(plane)
        return plane

    @property
    def left_behind(self) -> bool:
        """Whether anything that was made could not be removed."""
        return any(plane.left_behind for plane in self._planes)
