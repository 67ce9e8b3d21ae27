"""Filling from a populated cluster over the wire, ours against the official client's informer.

python -m bench.microbench.informer_fill --kubeconfig FILE [--context C]
"""

import argparse
import os
import time
from typing import TYPE_CHECKING, Any

from kubernetes import config
from kubernetes.client import ApiClient, Configuration, CoreV1Api
from kubernetes.informer import SharedInformer as OfficialInformer

from kube_informer.informer import SharedInformer
from kube_informer.resource import PODS
from kube_informer.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3


def ours(kubeconfig: str, context: str | None) -> tuple[float, int]:
    """Return seconds to a complete cache, and its size."""
    transport = Transport.from_kubeconfig(kubeconfig, context)
    informer = SharedInformer(transport, PODS)
    begun = time.perf_counter()
    informer.start()
    if not informer.wait_for_cache_sync(300):
        raise SystemExit(f"not synced: {informer.last_error}")
    took = time.perf_counter() - begun
    count = len(informer.snapshot())
    informer.stop()
    transport.close()
    return took, count


def official(kubeconfig: str, context: str | None, count: int) -> float:
    """Return seconds until the official informer's cache has ``count`` objects."""
    configuration = Configuration()
    load: Callable[..., None] = config.load_kube_config
    load(kubeconfig, context, client_configuration=configuration)
    api = CoreV1Api(ApiClient(configuration))
    make: Callable[..., Any] = OfficialInformer
    informer = make(list_func=api.list_pod_for_all_namespaces)
    begun = time.perf_counter()
    informer.start()
    while len(informer.cache.list()) < count:
        time.sleep(0.05)
    # Not stopped: its stop() waits for the watch in progress, which in a quiet cluster is until
    # the API server ends it, minutes later. Its thread goes with this process.
    return time.perf_counter() - begun


def main() -> None:
    """Print the times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--context")
    options = parser.parse_args()
    took, count = min(ours(options.kubeconfig, options.context) for _ in range(ROUNDS))
    peer = official(options.kubeconfig, options.context, count)
    print(f"filled with {count:,} pods in {took:.2f} s ({count / took:,.0f}/s; at least 10,000)")
    print(f"official informer {peer:.2f} s; ratio {took / peer:.3f} (at most 0.2)", flush=True)
    # at once: an interpreter that takes its time is aborted over the thread that still reads
    os._exit(0)


if __name__ == "__main__":
    main()
