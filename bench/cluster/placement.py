"""Placement: the namespaces of pods, and what pods may look like there. Pure.

On a control plane of our own pods are spread over namespaces and look as if a
kubelet ran them. On somebody's cluster there are schedulers, kubelets and
controllers that would act on them: pods stay in one namespace of our own and are
made so that nothing ever runs them.
"""

from dataclasses import dataclass
from typing import Any

from bench.cluster.identities import NAMESPACE
from bench.cluster.pods import CREATED, Manifest, PodKey, manifest, status
from bench.model import PROBE_NAME

GATE = "informer-bench/never-scheduled"
"""A scheduling gate that nobody removes."""
NO_SCHEDULER = "informer-bench-nobody"
"""A scheduler that nobody runs."""
SIZES = "5.1 to 6.2 KB, 5.5 KB on average"
"""Of a confined pod as the API server returns it, which a node and an owner make larger."""
SIZES_WITHOUT_STATUS = "4.4 to 5.5 KB, 4.8 KB on average"
ACCOUNT = "pods"
"""The pods' own ServiceAccount where the API server insists on one; it may do nothing."""
RESTRICTED: Manifest = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
"""With ``CONFINED_CONTAINER`` what the pod security standard "restricted" asks for."""
CONFINED_CONTAINER: Manifest = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}


@dataclass(frozen=True, slots=True)
class Placement:
    """Where this project's objects are.

    ``home`` is the namespace of accounts, probe and bystander. If ``confined``, it is that
    of all pods as well, nothing else is read or written, and pods are never run.
    ``writes_status`` is whether the status of pods may be written, ``writes_per_s`` the rate
    at which a population may be written at most, ``None`` for as fast as it goes.
    """

    home: str = NAMESPACE
    confined: bool = False
    writes_status: bool = True
    writes_per_s: float | None = None

    @property
    def scope(self) -> str | None:
        """The one namespace that is read; ``None`` for all."""
        return self.home if self.confined else None

    @property
    def pods_path(self) -> str:
        """Path of the list of the pods that are measured."""
        return f"/api/v1/namespaces/{self.home}/pods" if self.confined else "/api/v1/pods"

    @property
    def probe_path(self) -> str:
        """Path of the freshness probe's own pod in the API."""
        return f"/api/v1/namespaces/{self.home}/pods/{PROBE_NAME}"

    def user(self, account: str) -> str:
        """Return what the audit log calls an account of ours."""
        return f"system:serviceaccount:{self.home}:{account}"

    def manifest(self, pod: PodKey) -> Manifest:
        """Return the pod as it is created here."""
        return never_run(manifest(pod)) if self.confined else manifest(pod)

    def status(self, pod: PodKey, *, restarts: int = 0) -> Manifest:
        """Return the pod's status as it is written here."""
        full = status(pod, restarts=restarts)
        return waiting(full) if self.confined else full

    def change(self, pod: PodKey, restarts: int) -> tuple[str, Manifest]:
        """Return path and merge patch of a change that leaves the pod in its place.

        A kubelet's, of the status; of an annotation where the status may not be written.
        """
        if self.writes_status:
            containers = self.status(pod, restarts=restarts)["containerStatuses"]
            return f"{pod.path}/status", {"status": {"containerStatuses": containers}}
        return pod.path, {"metadata": {"annotations": {"informer-bench/restarts": str(restarts)}}}

    def probe_manifest(self) -> Manifest:
        """Return the pod that the freshness probe writes to."""
        pod: Manifest = {
            "metadata": {"name": PROBE_NAME, "namespace": self.home, "labels": {"app": PROBE_NAME}},
            "spec": {
                "nodeName": "probed",
                "containers": [{"name": "nothing", "image": "informer-bench.local/nothing"}],
            },
        }
        return never_run(pod) if self.confined else pod


def never_run(pod: Manifest) -> Manifest:
    """Return the pod as one that no scheduler, kubelet or controller acts on.

    It has a scheduling gate and a scheduler that nobody runs, and no node. It has no
    owner, since a garbage collector deletes what is owned by something that is not there.
    """
    head, spec = dict(pod["metadata"]), dict(pod["spec"])
    head.pop("ownerReferences", None)
    spec.pop("nodeName")
    containers: list[dict[str, Any]] = spec["containers"]
    spec |= {
        "schedulerName": NO_SCHEDULER,
        "schedulingGates": [{"name": GATE}],
        "serviceAccountName": ACCOUNT,
        "automountServiceAccountToken": False,
        "securityContext": RESTRICTED,
        "containers": [{**one, "securityContext": CONFINED_CONTAINER} for one in containers],
    }
    return {**pod, "metadata": head, "spec": spec}


def waiting(full: Manifest) -> Manifest:
    """Return the status as one of a pod that does not run: no node, no address, nobody misled.

    Network agents take pod addresses for real ones, so there is none.
    """
    containers = [
        {
            **{key: value for key, value in one.items() if key != "containerID"},
            "ready": False,
            "started": False,
            "state": {"waiting": {"reason": "NeverScheduled"}},
        }
        for one in full["containerStatuses"]
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
