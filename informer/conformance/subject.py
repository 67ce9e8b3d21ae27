"""Runs a Python informer on one resource and reports each step as a line of JSON.

A subject of the conformance run: it reads the commands new (with the options as JSON), start,
dump, settle and stop from its standard input, one a line, and new again after stop. Its Go
counterpart is client_go/main.go.
"""

import argparse
import contextlib
import ctypes
import gc
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from kubernetes import config
from kubernetes.client import ApiClient, Configuration, CoordinationV1Api, CoreV1Api
from kubernetes.informer import ADDED, DELETED, MODIFIED
from kubernetes.informer import SharedInformer as OfficialSharedInformer

from kube_informer import (
    CachedObject,
    DeletedFinalStateUnknown,
    Resource,
    SharedInformer,
    SyncError,
    Transport,
)

_output = threading.Lock()


def report(event: str, **fields: Any) -> None:  # noqa: ANN401 - JSON of any shape
    """Write one line; end the process at once if its reader is gone."""
    with _output:
        try:
            sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            os._exit(1)


class NotOffered(Exception):  # noqa: N818 - the name says what happened
    """Raised when the library has no informer for these options."""


class Subject(Protocol):
    """The interface of an informer in the conformance run."""

    def start(self) -> None:
        """Start to fill and watch."""

    def has_synced(self) -> bool:
        """Return whether the first fill is complete."""

    def objects(self) -> Mapping[str, str]:
        """Return the resourceVersions in the cache by key."""

    def stop(self) -> None:
        """End all threads."""


class _Reporting:
    def on_add(self, obj: CachedObject, is_in_initial_list: bool) -> None:
        report("add", key=obj.key, version=obj.resource_version, initial=is_in_initial_list)

    def on_update(self, _: CachedObject, new: CachedObject) -> None:
        report("update", key=new.key, version=new.resource_version)

    def on_delete(self, obj: CachedObject) -> None:
        unknown = isinstance(obj, DeletedFinalStateUnknown)
        report("delete", key=obj.key, version=obj.resource_version, unknown=unknown)


class KubeInformer:
    """The informer of this library."""

    def __init__(self, options: argparse.Namespace) -> None:
        resource = Resource(options.group, options.version, options.resource)
        self._informer = SharedInformer(
            Transport.from_kubeconfig(options.kubeconfig, options.context or None),
            resource,
            namespaces=[options.namespace] if options.namespace else None,
            metadata_only=options.objects == "metadata",
            stream_initial=options.stream_initial,
        )
        if not options.quiet:
            self._informer.add_event_handler(_Reporting())

    def start(self) -> None:
        """Start to fill and watch."""
        self._informer.start()

    def has_synced(self) -> bool:
        """Return whether the first fill is complete."""
        with contextlib.suppress(SyncError):
            return self._informer.wait_for_cache_sync(timeout=1.0)
        return self._informer.has_synced

    def objects(self) -> Mapping[str, str]:
        """Return the resourceVersions in the cache by key."""
        return {obj.key: obj.resource_version for obj in self._informer.snapshot()}

    def stop(self) -> None:
        """End all threads."""
        self._informer.stop(timeout_s=60.0)


class OfficialInformer:
    """The official client's informer, over the typed list functions that it takes."""

    def __init__(self, options: argparse.Namespace) -> None:
        configuration = Configuration()
        load: Any = config.load_kube_config
        load(options.kubeconfig, options.context or None, client_configuration=configuration)
        client = ApiClient(configuration)
        core, leases = CoreV1Api(client), CoordinationV1Api(client)
        namespaced = {
            "pods": core.list_namespaced_pod,
            "events": core.list_namespaced_event,
            "leases": leases.list_namespaced_lease,
        }
        clusterwide = {
            "pods": core.list_pod_for_all_namespaces,
            "componentstatuses": core.list_component_status,
        }
        list_func = (namespaced if options.namespace else clusterwide).get(options.resource)
        if list_func is None or options.objects == "metadata":
            raise NotOffered(f"no list function for {options.resource} as {options.objects}")
        make: Any = OfficialSharedInformer
        self._informer = make(list_func=list_func, namespace=options.namespace or None)
        for kind, event in ((ADDED, "add"), (MODIFIED, "update"), (DELETED, "delete")):
            if not options.quiet:
                self._informer.add_event_handler(kind, partial(self._report, event))

    def start(self) -> None:
        """Start to fill and watch."""
        self._informer.start()

    def has_synced(self) -> bool:
        """Return whether the first list came: the official informer has no method for that."""
        time.sleep(0.01)
        return self._informer._resource_version is not None  # noqa: SLF001 - see above

    def objects(self) -> Mapping[str, str]:
        """Return the resourceVersions in the cache by key."""
        return dict(map(self._described, self._informer.cache.list()))

    def stop(self) -> None:
        """End all threads."""
        self._informer.stop()

    def _report(self, event: str, obj: Any) -> None:  # noqa: ANN401 - a model of any kind
        key, version = self._described(obj)
        extra = {"add": {"initial": False}, "delete": {"unknown": False}}.get(event, {})
        report(event, key=key, version=version, **extra)

    @staticmethod
    def _described(obj: Any) -> tuple[str, str]:  # noqa: ANN401 - likewise
        metadata = obj.metadata
        key = "/".join(filter(None, (metadata.namespace, metadata.name)))
        return key, metadata.resource_version or ""


LIBRARIES: Mapping[str, Callable[[argparse.Namespace], Subject]] = {
    "kube-informer": KubeInformer,
    "official": OfficialInformer,
}


def _release_memory() -> None:
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)


def _report_sync(subject: Subject, stopped: threading.Event, started: float) -> None:
    while not subject.has_synced():
        if stopped.wait(0.01):
            return
    report("synced", seconds=time.monotonic() - started)


def main() -> None:
    """Carry out commands until the standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", choices=LIBRARIES, required=True)
    library = LIBRARIES[parser.parse_args().library]
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    subject: Subject
    stopped = threading.Event()
    for line in sys.stdin:
        started = time.monotonic()
        command, _, options = line.strip().partition(" ")
        match command:
            case "new":
                try:
                    subject = library(argparse.Namespace(**json.loads(options)))
                except NotOffered as error:
                    report("refused", reason=str(error))
                else:
                    stopped = threading.Event()
                    report("ready")
            case "start":
                subject.start()
                threading.Thread(
                    target=_report_sync, args=(subject, stopped, started), daemon=True
                ).start()
            case "dump":
                report("cache", objects=subject.objects())
            case "settle":
                _release_memory()
                report("settled")
            case "stop":
                stopped.set()
                subject.stop()
                report("stopped", seconds=time.monotonic() - started)
    sys.stdout.flush()
    os._exit(0)  # threads of the official informer outlive its stop


if __name__ == "__main__":
    main()
