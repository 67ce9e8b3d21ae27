"""Index every pod with kopf: ``kopf run --standalone --all-namespaces kopf_pods.py``."""

import kopf


@kopf.index("pods")
def phases(name, namespace, status, **_):
    """Return the index entry of a pod."""
    return {(namespace, name): status.get("phase")}
