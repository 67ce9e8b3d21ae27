"""Pods of the population: pure functions of a seed.

Pods come from workloads spread over namespaces, each workload a ReplicaSet's worth
of pods with two containers, probes, environment, volumes and tolerations, and a
status as a kubelet would have written it. Nothing runs them. Workloads differ in
how much they configure, so that a pod as the API server returns it (compact JSON,
managedFields included) has SIZES.
"""

import hashlib
import random
import uuid
from dataclasses import dataclass, replace
from typing import Any

from bench.model import Targets

Manifest = dict[str, Any]

NAMESPACES = (
    # two of them order differently by "namespace/name" than by (namespace, name)
    "checkout",
    "search",
    "search-index",
    "payments",
    "catalog",
    "accounts",
    "shipping",
    "media",
)
SIZES = "5.6 to 6.7 KB, 5.8 KB on average"
TIERS = ("frontend", "backend", "cache", "batch")
LARGEST_WORKLOAD = 24
RICHNESS = (0, 0, 0, 1, 1, 2, 3)
NODES = 50
STABLE_TARGETS = 200
SCRATCH: Manifest = {"name": "scratch", "emptyDir": {"sizeLimit": "256Mi"}}
CREATED = "2026-01-15T08:00:00Z"
READY = "2026-01-15T08:00:09Z"


@dataclass(frozen=True, slots=True)
class Workload:
    """A ReplicaSet that owns ``replicas`` pods."""

    namespace: str
    app: str
    tier: str
    replicas: int
    template_hash: str
    uid: str
    richness: int
    """How much its pods configure, one of ``RICHNESS``."""

    @property
    def name(self) -> str:
        """Name of the ReplicaSet."""
        return f"{self.app}-{self.template_hash}"


@dataclass(frozen=True, slots=True)
class PodKey:
    """One pod: its workload, its ordinal there, and how often churn has replaced it."""

    workload: Workload
    ordinal: int
    generation: int = 0

    @property
    def namespace(self) -> str:
        """Namespace of the pod."""
        return self.workload.namespace

    @property
    def name(self) -> str:
        """Name of the pod; a replacement has another one, as in a real rollout."""
        text = f"{self.workload.uid}/{self.ordinal}/{self.generation}"
        return f"{self.workload.name}-{_letters(text, 5)}"

    @property
    def is_stable(self) -> bool:
        """Whether churn leaves this pod in place (it may still patch its status)."""
        return self.ordinal == 0

    @property
    def path(self) -> str:
        """Path of the pod in the API."""
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"

    def replacement(self) -> "PodKey":
        """Return the pod that follows this one after its deletion."""
        return PodKey(self.workload, self.ordinal, self.generation + 1)


def draw_pods(seed: int, count: int, *, namespace: str | None = None) -> tuple[PodKey, ...]:
    """Draw ``count`` pods; the same seed and count give the same pods.

    All in ``namespace`` if it is given, and the same otherwise.
    """
    rng = random.Random(f"pods/{seed}")
    pods: list[PodKey] = []
    number = 0
    while len(pods) < count:
        replicas = min(rng.randint(1, LARGEST_WORKLOAD), count - len(pods))
        workload = _draw_workload(rng, seed, number, replicas)
        if namespace is not None:
            workload = replace(workload, namespace=namespace)
        pods += [PodKey(workload, ordinal) for ordinal in range(replicas)]
        number += 1
    return tuple(pods)


def targets(pods: tuple[PodKey, ...]) -> Targets:
    """Return the targets of routes: every namespace, stable pods, and selectors that match."""
    stable = [(pod.namespace, pod.name) for pod in pods if pod.is_stable]
    apps = sorted({pod.workload.app for pod in pods})
    tiers = sorted({pod.workload.tier for pod in pods})
    selectors = [f"app={apps[0]}", f"tier={'backend' if 'backend' in tiers else tiers[0]}"]
    # A selector that excludes a tier must still match something: apps of another tier.
    others = sorted({pod.workload.app for pod in pods if pod.workload.tier != "batch"})
    if others:
        selectors.append(f"app in ({others[0]},{others[-1]}),tier!=batch")
    return Targets(
        namespaces=tuple(sorted({pod.namespace for pod in pods})),
        pods=tuple(stable[:STABLE_TARGETS]),
        label_selectors=tuple(selectors),
    )


def manifest(pod: PodKey) -> Manifest:
    """Return the pod as a controller would create it, bound to a node."""
    workload = pod.workload
    version = f"1.{int(workload.template_hash[:4], 36) % 40}.{workload.replicas}"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name,
            "namespace": pod.namespace,
            "labels": {
                "app": workload.app,
                "tier": workload.tier,
                "pod-template-hash": workload.template_hash,
            },
            "annotations": {"example.com/config-checksum": _digest(workload.uid)[:16]},
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "name": workload.name,
                    "uid": workload.uid,
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {
            "nodeName": f"node-{_number(pod.name) % NODES:02d}",
            "serviceAccountName": workload.app,
            "containers": [
                _application(workload, version),
                {
                    "name": "sidecar",
                    "image": "registry.example.com/platform/proxy:2.14.1",
                    "env": [{"name": "UPSTREAM", "value": f"http://127.0.0.1:8080/{workload.app}"}],
                },
            ],
            "volumes": [
                {"name": "config", "configMap": {"name": f"{workload.app}-config"}},
                *([SCRATCH] if workload.richness > 2 else []),
            ],
            "tolerations": [
                {
                    "key": "node.kubernetes.io/unreachable",
                    "operator": "Exists",
                    "effect": "NoExecute",
                    "tolerationSeconds": 300,
                }
            ],
        },
    }


def status(pod: PodKey, *, restarts: int = 0) -> Manifest:
    """Return the status that a kubelet would write for the pod once it is ready."""
    address = _address(pod)
    kinds = ("Ready", "ContainersReady", "PodScheduled")
    return {
        "phase": "Running",
        "qosClass": "Burstable" if pod.workload.richness > 0 else "BestEffort",
        "startTime": CREATED,
        "hostIP": f"10.0.0.{_number(pod.name) % NODES + 1}",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": READY} for kind in kinds
        ],
        "containerStatuses": [
            _container_status(pod, "application", restarts),
            _container_status(pod, "sidecar", 0),
        ],
    }


def _draw_workload(rng: random.Random, seed: int, number: int, replicas: int) -> Workload:
    app = f"{rng.choice(('api', 'worker', 'web', 'sync', 'store'))}-{number:03d}"
    return Workload(
        namespace=rng.choice(NAMESPACES),
        app=app,
        tier=rng.choice(TIERS),
        replicas=replicas,
        template_hash=_letters(f"{seed}/{app}", 9),
        uid=str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        richness=rng.choice(RICHNESS),
    )


def _application(workload: Workload, version: str) -> Manifest:
    container: Manifest = {
        "name": "application",
        "image": f"registry.example.com/{workload.namespace}/{workload.app}:{version}",
        "args": ["--listen=:8080", "--config=/etc/app/config.yaml"],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "env": [
            {"name": "TIER", "value": workload.tier},
            *(
                {"name": f"FEATURE_{number}", "value": _letters(f"{workload.uid}/{number}", 12)}
                for number in range(workload.richness)
            ),
        ],
        "resources": {},
        "readinessProbe": _probe("/ready", 5),
        "volumeMounts": [{"name": "config", "mountPath": "/etc/app", "readOnly": True}],
    }
    if workload.richness > 0:
        container["resources"]["requests"] = {"cpu": "250m", "memory": "256Mi"}
    if workload.richness > 1:
        container["resources"]["limits"] = {"memory": "256Mi"}
    if workload.richness > 2:
        container["livenessProbe"] = _probe("/alive", 15)
        container["volumeMounts"].append({"name": "scratch", "mountPath": "/var/scratch"})
    return container


def _probe(path: str, period_s: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "http", "scheme": "HTTP"},
        "periodSeconds": period_s,
        "timeoutSeconds": 2,
        "failureThreshold": 3,
    }


def _container_status(pod: PodKey, name: str, restarts: int) -> Manifest:
    digest = _digest(f"{pod.name}/{name}/{restarts}")
    return {
        "name": name,
        "image": f"registry.example.com/{pod.workload.app}/{name}",
        "imageID": f"registry.example.com/{name}@{_digest(name)[:12]}",
        "containerID": f"containerd://{digest}",
        "ready": True,
        "started": True,
        "restartCount": restarts,
        "state": {"running": {"startedAt": READY}},
    }


def _address(pod: PodKey) -> str:
    number = _number(pod.name)
    return f"10.{64 + number % 64}.{number // 64 % 250}.{number // 16000 % 250 + 1}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _number(text: str) -> int:
    return int(_digest(text)[:12], 16)


def _letters(text: str, length: int) -> str:
    # the letters that Kubernetes uses in generated names: no vowels, no look-alikes
    alphabet = "bcdfghjklmnpqrstvwxz2456789"
    number = int(_digest(text), 16)
    letters = []
    for _ in range(length):
        number, index = divmod(number, len(alphabet))
        letters.append(alphabet[index])
    return "".join(letters)
