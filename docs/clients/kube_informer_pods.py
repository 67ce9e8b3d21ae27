"""Keep every pod up to date with kube-informer."""

import threading

from kube_informer import PODS, SharedInformer, Transport

pods = SharedInformer(Transport.from_kubeconfig(), PODS)
pods.start()
threading.Event().wait()
