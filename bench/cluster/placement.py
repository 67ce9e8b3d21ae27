"""Placement: the namespaces of pods, and the form of pods there. Pure.

On our own control plane, pods are spread over namespaces and look as if a kubelet ran
them. On an existing cluster, schedulers, kubelets and controllers would act on pods:
there they stay in one namespace of ours, in a form that nothing ever runs.
"""

from dataclasses import dataclass
from typing import Any

from bench.cluster.identities import NAMESPACE
from bench.cluster.pods import CREATED, Manifest, PodKey, manifest, status
from bench.model import PROBE_NAME

GATE = "informer-bench/never-scheduled"
"""A scheduling gate that is never removed."""
NO_SCHEDULER = "informer-bench-nobody"
"""A scheduler that does not exist."""
SIZES = "5.1 to 6.2 KB, 5.5 KB on average"
"""Of a confined pod as the API server returns it; a node and an owner would make it larger."""
SIZES_WITHOUT_STATUS = "4.4 to 5.5 KB, 4.8 KB on average"
ACCOUNT = "pods"
"""The pods' ServiceAccount where the API server requires one; it has no rights."""
RESTRICTED: Manifest = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
"""With ``CONFINED_CONTAINER`` meets the pod security standard "restricted"."""
CONFINED_CONTAINER: Manifest = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}


@dataclass(frozen=True, slots=True)
class Placement:
    """Namespaces of this project's objects, and limits on writes there.

    ``home`` is the namespace of accounts, probe and bystander. If ``confined``, all pods are
    there too and are never run, and nothing else is read or written. ``writes_status`` says
    whether the status of pods may be written. ``writes_per_s`` is the highest rate at which
    a population may be written, ``None`` for no limit.
    """

    home: str = NAMESPACE
    confined: bool = False
    writes_status: bool = True
    writes_per_s: float | None = None

    @property
    def scope(self) -> str | None:
        """The only namespace to read; ``None`` for all."""
        return self.home if self.confined else None

    @property
    def pods_path(self) -> str:
        """Path of the list of the measured pods."""
        return f"/api/v1/namespaces/{self.home}/pods" if self.confined else "/api/v1/pods"

    @property
    def probe_path(self) -> str:
        """Path of the freshness probe's own pod in the API."""
        return f"/api/v1/namespaces/{self.home}/pods/{PROBE_NAME}"

    def user(self, account: str) -> str:
        """Return the name of one of our accounts in the audit log."""
        return f"system:serviceaccount:{self.home}:{account}"

    def manifest(self, pod: PodKey) -> Manifest:
        """Return the manifest that creates the pod here."""
        return never_run(manifest(pod)) if self.confined else manifest(pod)

    def status(self, pod: PodKey, *, restarts: int = 0) -> Manifest:
        """Return the pod's status to write here."""
        full = status(pod, restarts=restarts)
        return waiting(full) if self.confined else full

    def change(self, pod: PodKey, restarts: int) -> tuple[str, Manifest]:
        """Return path and merge patch of a change that keeps the pod.

        It changes the status, as a kubelet does, or an annotation if the status is not writable.
        """
        if self.writes_status:
            containers = self.status(pod, restarts=restarts)["containerStatuses"]
            return f"{pod.path}/status", {"status": {"containerStatuses": containers}}
        return pod.path, {"metadata": {"annotations": {"informer-bench/restarts": str(restarts)}}}

    def probe_manifest(self) -> Manifest:
        """Return the manifest of the pod that the freshness probe writes."""
        pod: Manifest = {
            "metadata": {"name": PROBE_NAME, "namespace": self.home, "labels": {"app": PROBE_NAME}},
            "spec": {
                "nodeName": "probed",
                "containers": [{"name": "nothing", "image": "informer-bench.local/nothing"}],
            },
        }
        return never_run(pod) if self.confined else pod


def never_run(pod: Manifest) -> Manifest:
    """Return the pod in a form that no scheduler, kubelet or controller acts on.

    It has a scheduling gate, a scheduler that does not exist, and no node. It has no owner,
    since a garbage collector deletes objects whose owner does not exist.
    """
    metadata, spec = dict(pod["metadata"]), dict(pod["spec"])
    metadata.pop("ownerReferences", None)
    spec.pop("nodeName")
    containers: list[dict[str, Any]] = spec["containers"]
    spec |= {
        "schedulerName": NO_SCHEDULER,
        "schedulingGates": [{"name": GATE}],
        "serviceAccountName": ACCOUNT,
        "automountServiceAccountToken": False,
        "securityContext": RESTRICTED,
        "containers": [
            {**container, "securityContext": CONFINED_CONTAINER} for container in containers
        ],
    }
    return {**pod, "metadata": metadata, "spec": spec}


def waiting(full: Manifest) -> Manifest:
    """Return the status as that of a pod that does not run: no node, no address.

    Network agents would take a pod address for a real one.
    """
    containers = [
        {
            **{key: value for key, value in container.items() if key != "containerID"},
            "ready": False,
            "started": False,
            "state": {"waiting": {"reason": "NeverScheduled"}},
        }
        for container in full["containerStatuses"]
    ]
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "SchedulingGated",
        "lastTransitionTime": CREATED,
    }
    return {
        "phase": "Pending",
        "qosClass": full["qosClass"],
        "conditions": [condition],
        "containerStatuses": containers,
    }
