"""Servers that are not of this project: how one is started, and what it is given.

Any HTTP server that keeps the ``/pods`` routes can be measured, in any language. It
learns from its environment where to listen, whom to ask, and as whom:

- ``PORT``: the port to listen on, on 127.0.0.1;
- ``KUBECONFIG``: a kubeconfig of one context alone, its current one, so that a client
  library's defaults are right;
- ``CONTEXT``: the name of that context, and of the account behind it;
- ``NAMESPACE``: the namespace of that account;
- ``PODS_NAMESPACE``: the one namespace whose pods are to be served; empty for all, as it is
  but on a cluster that is somebody else's;
- ``REPLICA``: which of several replicas it is, from 1; all read as the same account, and the
  report tells them apart if their User-Agents end in ``informer-bench-server/$REPLICA``;
- ``WORKERS``: how many worker processes the scenario wants behind the port; that there are as
  many is the server's to see to, and that it tells of all of them in ``/metrics``;
- ``PYTHON``: the interpreter that this project runs on, for servers in Python.
"""

import os
import socket
import sys
from pathlib import Path

import yaml

from bench.cluster.identities import EXTERNAL
from bench.cluster.placement import Placement
from bench.sut.launch import Launch, Readiness

SHELL = "/bin/sh"


def external_server(
    command: str,
    *,
    kubeconfig: Path,
    placement: Placement,
    port: int,
    replica: int = 1,
    workers: int = 1,
) -> Launch:
    """Return how the ``command``, a line for the shell, is started; ``port`` 0 chooses one."""
    port = port or _free_port()
    url = f"http://127.0.0.1:{port}"
    given = {
        "PORT": str(port),
        "KUBECONFIG": str(_of_one_context(kubeconfig, EXTERNAL)),
        "CONTEXT": EXTERNAL,
        "NAMESPACE": placement.home,
        "PODS_NAMESPACE": placement.scope or "",
        "REPLICA": str(replica),
        "WORKERS": str(workers),
        "PYTHON": sys.executable,
    }
    return Launch(
        [SHELL, "-c", command],
        url=lambda: url,
        readiness=Readiness(),
        environment={**os.environ, **given},
    )


def _of_one_context(kubeconfig: Path, context: str) -> Path:
    """Write a kubeconfig beside ``kubeconfig`` that holds ``context`` alone; return its path.

    The whole one's current context is a person's, who may do everything: a client
    library that takes its defaults would be audited as somebody else.
    """
    whole = yaml.safe_load(kubeconfig.read_text())
    own = {
        part: [one for one in whole[part] if one["name"] == context]
        for part in ("contexts", "users")
    }
    path = kubeconfig.with_name(f"{kubeconfig.name}-{context}")
    fresh = path.with_name(f"{path.name}.new")  # another replica may be reading the present one
    fresh.touch(mode=0o600)
    fresh.write_text(yaml.safe_dump({**whole, **own, "current-context": context}, sort_keys=False))
    return fresh.replace(path)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
