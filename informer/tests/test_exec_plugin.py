"""A program that prints credentials: when it runs, its input, and its failures."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from kube_informer import CredentialsError
from kube_informer.connection import Cancel, cancellable
from kube_informer.exec_plugin import GROUP, ClientCertificate, ExecPlugin
from kube_informer.kubeconfig import ExecConfig, Variable

SECRET = "marked-secret-4711"


@pytest.fixture
def plugin(tmp_path: Path):
    """Make a plugin that runs Python code, with ``answer(**status)`` to print an answer."""

    def make(code: str, timeout_s: float = 60.0, **fields: object) -> ExecPlugin:
        program = tmp_path / "plugin"
        program.write_text(
            f"#!{sys.executable}\n"
            "import json, os, sys, time\n"
            "from pathlib import Path\n"
            f"calls = Path({str(tmp_path / 'calls')!r})\n"
            "calls.open('a').write('x')\n"
            "def answer(version='v1', **status):\n"
            f"    print(json.dumps(dict(kind='ExecCredential', apiVersion='{GROUP}/' + version,"
            " status=status)))\n" + code
        )
        program.chmod(0o755)
        usual = {"api_version": f"{GROUP}/v1", "interactive_mode": "Never"}
        config = ExecConfig(**{"command": str(program), **usual, **fields})
        return ExecPlugin(config, "user 'u'", config.command, None, timeout_s)

    return make


def calls(tmp_path: Path) -> int:
    return len((tmp_path / "calls").read_text())


def test_a_token_is_requested_once_and_again_when_rejected(plugin, tmp_path: Path) -> None:
    made = plugin("answer(token=f'token-{calls.stat().st_size}')")

    assert ["token-1", "token-1"] == [made.token(), made.token()]
    made.reject()
    assert "token-2" == made.token()
    assert 2 == calls(tmp_path)


def test_an_expired_token_is_requested_anew(plugin, tmp_path: Path) -> None:
    made = plugin("answer(token='t', expirationTimestamp='2020-01-01T00:00:00Z')")

    assert ["t", "t"] == [made.token(), made.token()]
    assert 2 == calls(tmp_path)


def test_a_new_certificate_reaches_the_listeners(plugin) -> None:
    made = plugin("answer(clientCertificateData=f'c{calls.stat().st_size}', clientKeyData='k')")
    renewed: list[ClientCertificate] = []
    made.on_renewal(renewed.append)

    assert ClientCertificate(b"c1", b"k") == made.pair()
    assert [] == renewed
    made.reject()
    assert ClientCertificate(b"c2", b"k") == made.pair()
    assert [ClientCertificate(b"c2", b"k")] == renewed


def test_a_plugin_gets_the_request_and_its_variables(plugin) -> None:
    made = plugin(
        "answer(token=json.dumps([json.loads(os.environ['KUBERNETES_EXEC_INFO']),"
        " os.environ['EXTRA']]))",
        env=[Variable("EXTRA", "value")],
    )

    info = {"kind": "ExecCredential", "apiVersion": f"{GROUP}/v1", "spec": {"interactive": False}}
    assert [info, "value"] == json.loads(made.token())


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("sys.exit(f'denied: {os.environ[\"KEY\"]} {sys.argv[1][11:]}')", "exit code 1: denied: "),
        ("print('hello ' + os.environ['KEY'])", "printed no ExecCredential: it is not JSON"),
        ("answer()", "gave neither a token nor a certificate"),
        ("answer(clientKeyData=os.environ['KEY'])", "gave only one of certificate and key"),
        ("answer(version='v1beta1', token=os.environ['KEY'])", "answered in apiVersion "),
        ("answer(token=[os.environ['KEY']])", "printed no ExecCredential: Expected `str`"),
    ],
)
def test_a_failed_plugin_is_reported_in_one_line_without_its_arguments(
    plugin, code: str, expected: str
) -> None:
    made = plugin(code, env=[Variable("KEY", SECRET)], args=[f"--password={SECRET}"])

    with pytest.raises(CredentialsError) as refused:
        made.token()

    assert str(refused.value).startswith("the exec plugin plugin of user 'u' ")
    assert expected in str(refused.value)
    assert SECRET not in str(refused.value)
    assert "\n" not in str(refused.value)


def child_ended(tmp_path: Path) -> bool:
    """Whether the child whose pid was written ends; a signal takes a while on a busy machine."""
    stat, deadline = Path("/proc", (tmp_path / "pid").read_text(), "stat"), time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(FileNotFoundError, ProcessLookupError):
            if " Z " not in stat.read_text():
                time.sleep(0.01)
                continue
        return True
    return False


def test_a_plugin_that_hangs_is_ended_with_its_children(plugin, tmp_path: Path) -> None:
    code = (
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"Path({str(tmp_path / 'pid')!r}).write_text(str(child.pid))\n"
        "time.sleep(600)"
    )
    made = plugin(code, timeout_s=5.0)

    with pytest.raises(CredentialsError, match="did not answer within 5 s and was ended"):
        made.token()

    assert child_ended(tmp_path)


def test_a_plugin_that_hangs_is_ended_when_its_request_is_cancelled(plugin, tmp_path: Path) -> None:
    made = plugin(
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"Path({str(tmp_path / 'pid')!r}).write_text(str(child.pid))\n"
        "time.sleep(600)"
    )
    cancels = [Cancel(), Cancel()]

    def ask(cancel: Cancel) -> str:
        with cancellable(cancel), pytest.raises(CredentialsError) as refused:
            made.token()
        return str(refused.value)

    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(ask, cancels[0])
        deadline = time.monotonic() + 30
        while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        waiting = pool.submit(ask, cancels[1])
        cancels[1].cancel()
        assert waiting.result(2.0).endswith("was not waited for: the request was cancelled")
        assert not running.done()
        cancels[0].cancel()
        assert "failed with exit code -9" in running.result(2.0)

    assert child_ended(tmp_path)
    assert 1 == calls(tmp_path)


def test_a_plugin_that_is_not_installed_is_reported_with_its_hint(plugin) -> None:
    made = plugin("", command="/nowhere/kubelogin", install_hint="Install\n  kubelogin")

    with pytest.raises(
        CredentialsError, match="kubelogin of user 'u' is not installed; Install ku"
    ):
        made.token()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"api_version": f"{GROUP}/v1alpha1"}, "apiVersion .*v1alpha1', which is no longer served"),
        ({"api_version": ""}, "apiVersion '', which"),
        ({"interactive_mode": ""}, "has no interactiveMode"),
        ({"interactive_mode": "Sometimes"}, "must be one of Never, IfAvailable, Always"),
        ({"interactive_mode": "Always"}, "needs a terminal"),
        ({"command": ""}, "has no command"),
        ({"env": [Variable("", "x")]}, "env entry without a name"),
    ],
)
def test_an_entry_that_can_never_run_is_refused_at_once(
    plugin, tmp_path: Path, fields: dict[str, object], expected: str
) -> None:
    with pytest.raises(CredentialsError, match=f"exec of user 'u' has .*{expected}|{expected}"):
        plugin("answer(token='t')", **fields)
    assert not (tmp_path / "calls").exists()
