"""The README's code, run as it stands."""

import logging
import re
import threading
from pathlib import Path

import kube_informer
from tests.integration.informer.replica import PATIENCE_S, eventually

README = Path(kube_informer.__file__).parents[2] / "README.md"
EXAMPLE, RECIPE = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_example_prints_what_is_selected(control_plane, writer_of, capsys):
    writer = writer_of(control_plane)
    for name, tier in (("web-1", "test"), ("web-2", "live"), ("db-1", "live")):
        writer.create(name, labels={"app": name[:-2], "tier": tier})
    code = EXAMPLE.replace("/path/to/kubeconfig", str(control_plane.kubeconfig))
    code = code.replace('"default"', f'"{writer.namespace}"')
    assert len(code.splitlines()) <= 10
    names: dict[str, object] = {}
    exec(compile(code, README, "exec"), names)
    names["transport"].close()
    assert "web-2 Pending\n" == capsys.readouterr().out


def test_the_controller_reconciles_every_change_and_tries_again_what_failed(
    control_plane, informers, writer_of
):
    writer = writer_of(control_plane)
    writer.create("there")
    pods = informers.of(control_plane.kubeconfig, namespaces=[writer.namespace])
    failures = ["once", "twice"]
    seen: list[tuple[str, str] | None] = []

    def reconcile(pod) -> None:
        if pod is not None and pod.name == "hard" and failures:
            raise RuntimeError(failures.pop())
        seen.append(None if pod is None else (pod.name, pod.resource_version))

    names = {"pods": pods, "reconcile": reconcile, "log": logging.getLogger("recipe")}
    pods.start()
    exec(compile(RECIPE, README, "exec"), names)
    workers = [threading.Thread(target=names["work"]) for _ in range(2)]
    for worker in workers:
        worker.start()
    last = ("hard", writer.create("hard"))
    eventually(lambda: last in seen, "what failed twice is reconciled")
    writer.delete("there")
    eventually(lambda: None in seen, "what is gone is told to be gone")
    pods.stop()
    assert names["queue"].shut_down_with_drain(timeout=PATIENCE_S)
    for worker in workers:
        worker.join(PATIENCE_S)
    assert "there" == seen[0][0]
