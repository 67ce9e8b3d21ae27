"""Keep every pod up to date with the official client's informer."""

import threading

from kubernetes import client, config
from kubernetes.informer import SharedInformer

config.load_kube_config()
pods = SharedInformer(list_func=client.CoreV1Api().list_pod_for_all_namespaces)
pods.start()
threading.Event().wait()
