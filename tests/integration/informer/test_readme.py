"""The README's code, run unchanged."""

import re
import subprocess
import sys
import threading
from pathlib import Path

import kube_informer
from tests.integration.informer.replica import PATIENCE_S, eventually

README = Path(kube_informer.__file__).parents[2] / "README.md"
EXAMPLE, CONTROLLER, UNIT_TEST = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_example_prints_the_selected_pods(control_plane, writer_of, capsys):
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


def test_the_controller_sees_present_pods_and_each_change(control_plane, writer_of):
    writer = writer_of(control_plane)
    writer.create("there")
    code = CONTROLLER.replace("/path/to/kubeconfig", str(control_plane.kubeconfig))
    # Two workers would print at once, a word at a time; other tests' pods appear too.
    code = code.replace("reconcile, stop)", "reconcile, stop, workers=1)")
    program = subprocess.Popen(
        [sys.executable, "-u", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(iter(program.stdout.readline, "")))
    reader.start()
    key = f"{writer.namespace}/there"
    try:
        eventually(lambda: f"{key} Pending\n" in lines, "a pod that was there is reconciled")
        writer.delete("there")
        eventually(lambda: f"{key} gone\n" in lines, "a pod that is gone is reconciled")
    finally:
        program.terminate()
        reader.join(PATIENCE_S)
        log = program.stderr.read()
        program.stdout.close()
        program.stderr.close()
        ended = program.wait(PATIENCE_S)
    assert 0 == ended, log


def test_the_unit_test_runs_without_a_cluster():
    exec(compile(UNIT_TEST, README, "exec"), {})
