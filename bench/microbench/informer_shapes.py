"""Pods of about 4 KB as an API server writes them, by number; a synced watch machine."""

from typing import Any

import msgspec

from kube_informer.machine import WatchMachine
from kube_informer.observer import Observer
from kube_informer.resource import Scope
from kube_informer.steps import Answered, Chunk, Output


def pod(number: int, version: int, *, namespaces: int = 100) -> dict[str, Any]:
    """Return a pod of a realistic size, in the namespace ``number`` modulo ``namespaces``."""
    containers = [
        {
            "name": f"c{index}",
            "image": "registry.example/team/app:v1.2.3",
            "env": [{"name": f"VARIABLE_{n}", "value": "v" * 40} for n in range(12)],
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
        }
        for index in range(2)
    ]
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": f"pod-{number:05d}",
            "namespace": f"ns-{number % namespaces:03d}",
            "uid": f"00000000-0000-0000-0000-{number:012d}",
            "resourceVersion": str(version),
            "labels": {"app": f"app-{number % 50}", "tier": "web", "hash": f"h{number % 500}"},
            "annotations": {f"note-{n}": "x" * 160 for n in range(6)},
        },
        "spec": {"nodeName": f"node-{number % 40}", "containers": containers},
        "status": {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]},
    }


def event(kind: str, item: dict[str, Any]) -> bytes:
    """Return an event as a line of a watch."""
    return msgspec.json.encode({"type": kind, "object": item}) + b"\n"


def synced_machine() -> tuple[WatchMachine, list[Output]]:
    """Return a machine whose watch has begun with no object, and the outputs for its store."""
    machine = WatchMachine(Scope(), Observer(), stream_initial=True)
    machine.start()
    machine.step(Answered(200), 0.0)
    end = {"resourceVersion": "1", "annotations": {"k8s.io/initial-events-end": "true"}}
    outputs, _ = machine.step(Chunk(event("BOOKMARK", {"metadata": end})), 0.0)
    return machine, outputs
