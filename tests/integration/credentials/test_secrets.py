"""No answer, message, result, report or process list has a secret, whatever fails."""

import base64
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest
import yaml

from bench.cli import main
from bench.cluster.binaries import Binaries
from tests.integration.credentials.forms import Content
from tests.integration.credentials.world import GROUP, MARK, World
from tests.integration.run.bench_process import BenchProcess, folders

ROOT = Path(__file__).parents[3]
SECRET_FORMS = (MARK, base64.b64encode(MARK.encode()).decode()[:20])
STARTS_S = 60.0

# Every field that may hold a secret, each so that something fails.
USERS: dict[str, Callable[[World], dict]] = {
    "token": lambda w: {"token": MARK},
    "token in two lines": lambda w: {"token": f"{MARK}\n{MARK}"},
    "tokenFile": lambda w: {"tokenFile": w.write("token", f"{MARK}\0{MARK}")},
    "password": lambda w: {"username": MARK, "password": MARK},
    "client key": lambda w: (
        w.admin_data() | {"client-key-data": base64.b64encode(MARK.encode()).decode()}
    ),
    "impersonation": lambda w: {
        "token": MARK,
        "as": f"{MARK}\n",
        "as-groups": [MARK],
        "as-uid": MARK,
        "as-user-extra": {MARK: [MARK]},
    },
    "exec": lambda w: w.plugin(
        "0",
        before=f"sys.exit(os.environ['KEY'] + ' ' + sys.argv[2] + ' {MARK}')",
        env=[{"name": "KEY", "value": MARK}],
        args=["--secret", MARK],
    ),
    "exec that gives a wrong token": lambda w: w.plugin(f"dict(token='{MARK}')"),
    "auth-provider": lambda w: {
        "auth-provider": {"name": "gcp", "config": {"access-token": MARK, "cmd-args": MARK}}
    },
    "oidc": lambda w: {
        "auth-provider": {
            "name": "oidc",
            "config": {
                "idp-issuer-url": "https://127.0.0.1:9",
                "client-id": "me",
                "client-secret": MARK,
                "refresh-token": MARK,
                "id-token": f"{MARK}.{MARK}.{MARK}",
            },
        }
    },
}
CLUSTERS: dict[str, Callable[[World], dict]] = {
    "server": lambda w: w.cluster(server=f"https://me:{MARK}@127.0.0.1:9"),
    "proxy": lambda w: w.cluster(**{"proxy-url": f"http://me:{MARK}@127.0.0.1:9"}),
    "proxy of another kind": lambda w: w.cluster(**{"proxy-url": f"socks5://me:{MARK}@x:9"}),
    "authority": lambda w: {
        "server": w.url,
        "certificate-authority-data": base64.b64encode(MARK.encode()).decode(),
    },
    "extension": lambda w: w.cluster(
        extensions=[{"name": f"{GROUP}/exec", "extension": {"key": MARK}}]
    ),
}
TEXTS: dict[str, Callable[[World], Content]] = {
    "broken YAML": lambda w: f"users:\n- name: u\n  user:\n    token: {MARK}\n   x: y",
    "an alias": lambda w: f"users: [{{name: u, user: {{token: *{MARK}}}}}]",
    "a wrong type": lambda w: w.document({"token": [MARK], "password": {MARK: MARK}}),
}


def kubeconfig(world: World, field: str) -> Path:
    if field in USERS:
        content: Content = world.document(USERS[field](world))
    elif field in CLUSTERS:
        user = world.plugin("0", before="sys.exit(os.environ['KUBERNETES_EXEC_INFO'])")
        user["exec"]["provideClusterInfo"] = True
        content = world.document(user, CLUSTERS[field](world))
        if "proxy" in field:
            content = world.document({"token": MARK}, CLUSTERS[field](world))
    else:
        content = TEXTS[field](world)
    path = world.folder / "config"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def secrets_in(text: str) -> list[str]:
    return [form for form in SECRET_FORMS if form in text]


def body_of(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def output_of_server(log: Path, process: subprocess.Popen[bytes]) -> str:
    """Return a server's log, its answers, and its command lines in the process list."""
    deadline = time.monotonic() + STARTS_S
    while process.poll() is None and time.monotonic() < deadline:
        started = re.search(r"(http://\S+)/pods reads", log.read_text())
        if started is not None:
            break
        time.sleep(0.05)
    texts = []
    if process.poll() is None:
        assert started is not None, log.read_text()
        tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        texts = [" ".join(member.cmdline()) for member in tree]
        texts += [body_of(f"{started[1]}{path}") for path in ("/readyz", "/pods", "/metrics")]
        process.terminate()
        assert 0 == process.wait(30)
    return "\n".join([*texts, log.read_text()])


# The harness, below, refuses the same kubeconfigs at load, without a process.
SERVED = [
    ("direct", field)
    for field in ("exec", "exec that gives a wrong token", "proxy", "extension", "broken YAML")
]
SERVED += [("informer", "token"), ("typed", "token"), ("informer", "proxy")]


@pytest.mark.parametrize(("name", "field"), SERVED)
def test_a_server_does_not_reveal_a_secret_of_a_kubeconfig(
    world: World, name: str, field: str
) -> None:
    log = world.folder / "log"
    argv = [sys.executable, "-m", "servers", name, "--port=0", "--access-log"]
    argv += ["--kubeconfig", str(kubeconfig(world, field))]
    with log.open("wb") as file, subprocess.Popen(argv, cwd=ROOT, stdout=file, stderr=file) as run:
        output = output_of_server(log, run)

    assert "Traceback" not in output
    assert output.strip()
    assert [] == secrets_in(output)


@pytest.mark.parametrize("field", [*USERS, *CLUSTERS, *TEXTS])
def test_the_harness_does_not_reveal_a_secret_of_a_kubeconfig(
    world: World, field: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = kubeconfig(world, field)

    assert 1 == main(["clean", "--yes", f"--kubeconfig={file}", "--context=ours"])

    output = "".join(capsys.readouterr())
    assert "error: " in output
    assert [] == secrets_in(output)


PLAN = """\
name = "secret"
description = "One trial of a server that fails."
seed = 5
servers = ["none"]
rounds = 1
warmup_s = 0.5
duration_s = 1
cooldown_s = 0

[[scenarios]]
name = "all"
route = "list-all"
users = 1
pods = 4
"""


def test_a_secret_in_the_environment_of_ones_own_server_is_neither_stored_nor_revealed(
    binaries: Binaries, tmp_path: Path
) -> None:
    plan = tmp_path / "secret.toml"
    plan.write_text(PLAN)
    command = (
        f"TOKEN='{MARK}' env PASSWORD=\"{MARK}\" sh -c "
        "'echo token $TOKEN password $PASSWORD >&2; sleep 2; exit 1'"
    )
    arguments = ("run", str(plan), f"--server=mine={command}", *folders(tmp_path))
    command_lines: set[str] = set()
    with BenchProcess(tmp_path, arguments, binaries) as bench:
        harness = psutil.Process(bench.process.pid)
        typed = " ".join(harness.cmdline())
        while bench.process.poll() is None:
            for child in harness.children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    command_lines.add(" ".join(child.cmdline()))
            time.sleep(0.05)
        command_lines.discard(typed)  # the harness's own, of a child that was just forked
        texts = {"messages": bench.text, "output": bench.output.read_text()}
    texts |= {
        str(path.relative_to(tmp_path)): text_of(path)
        for folder in (bench.results, bench.reports)
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert any("password" in line for line in command_lines), "the server was never seen to run"
    assert [] == [line for line in command_lines if secrets_in(line)]
    assert any(name.endswith("run.json") for name in texts)
    assert [] == [name for name, text in texts.items() if secrets_in(text)]
    assert "token <redacted> password <redacted>" in texts["messages"]


def text_of(path: Path) -> str:
    if path.suffix == ".parquet":
        return pd.read_parquet(path).to_csv()
    return path.read_bytes().decode(errors="replace")
