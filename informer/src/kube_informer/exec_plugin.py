"""Credentials from a program: the protocol ``client.authentication.k8s.io``.

Source of the protocol and of the checks:
``k8s.io/client-go/plugin/pkg/client/auth/exec``. Unlike there, a plugin has no terminal
(servers and benchmarks run unattended), and its time is limited.
"""

import contextlib
import datetime as dt
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from kube_informer.connection import Cancel, current_cancel
from kube_informer.errors import CredentialsError
from kube_informer.kubeconfig import ExecConfig
from kube_informer.redaction import redact, register_secret, without

GROUP = "client.authentication.k8s.io"
VERSIONS = (f"{GROUP}/v1", f"{GROUP}/v1beta1")
MODES = ("Never", "IfAvailable", "Always")
TIMEOUT_S = 60.0
STOP_CHECK_S = 0.1
"""Seconds until a wait for another thread's run notices that its request was cancelled."""
MAX_STDERR = 300
"""Characters of a plugin's stderr that a message repeats."""


class ClientCertificate(NamedTuple):
    """A client certificate and its key, as PEM."""

    certificate: bytes
    key: bytes


class _Status(msgspec.Struct, rename="camel"):
    token: str = ""
    client_certificate_data: str = ""
    client_key_data: str = ""
    expiration_timestamp: dt.datetime | None = None


class _ExecCredential(msgspec.Struct, rename="camel"):
    kind: str = ""
    api_version: str = ""
    status: _Status | None = None


def check_exec(config: ExecConfig, who: str) -> None:
    """Raise :class:`CredentialsError`, which names ``who``, for a plugin that can never run."""
    field = f"exec of {who}"
    if not config.command:
        raise CredentialsError(f"{field} has no command")
    if config.api_version not in VERSIONS:
        raise CredentialsError(
            f"{field} has apiVersion {config.api_version!r}, which is no longer served: "
            f"{' and '.join(VERSIONS)} are; update the plugin's entry with its own tool"
        )
    mode = config.interactive_mode
    if not mode and config.api_version == VERSIONS[0]:
        raise CredentialsError(f"{field} has no interactiveMode: add one of {', '.join(MODES)}")
    if mode and mode not in MODES:
        raise CredentialsError(
            f"{field} has interactiveMode {mode!r}; it must be one of {', '.join(MODES)}"
        )
    if any(not variable.name for variable in config.env):
        raise CredentialsError(f"{field} has an env entry without a name")
    if mode == "Always":
        raise CredentialsError(
            f"{field} has interactiveMode Always and needs a terminal, which a plugin has not "
            "here; log in with kubectl and use a token or a certificate"
        )


class ExecPlugin:
    """Runs the plugin when credentials are missing, have expired or were rejected."""

    def __init__(
        self,
        config: ExecConfig,
        who: str,
        command: str,
        cluster: Mapping[str, Any] | None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        check_exec(config, who)
        self._config = config
        self._who = who
        self._command = command
        self._cluster = cluster
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._status: _Status | None = None
        self._rejected = False
        self._renewed: list[Callable[[ClientCertificate], None]] = []

    def token(self) -> str:
        """Return a token that has not expired, "" for none; raise :class:`CredentialsError`."""
        return self._current().token

    def pair(self) -> ClientCertificate | None:
        """Return a certificate that has not expired, if any; raise :class:`CredentialsError`."""
        return _pair(self._current())

    def on_renewal(self, renewed: Callable[[ClientCertificate], None]) -> None:
        """Call ``renewed`` with each certificate that differs from the one before."""
        self._renewed.append(renewed)

    def _current(self) -> _Status:
        cancel = current_cancel()
        while not self._lock.acquire(timeout=STOP_CHECK_S):
            self._check(cancel)
        try:
            previous = self._status
            if previous is not None and not self._rejected and not _expired(previous):
                return previous
            self._check(cancel)
            status = self._status = self._run()
            self._rejected = False
        finally:
            self._lock.release()
        pair = _pair(status)
        if previous is not None and pair is not None and pair != _pair(previous):
            for renewed in self._renewed:
                renewed(pair)
        return status

    def _check(self, cancel: Cancel | None) -> None:
        if cancel is not None and cancel.cancelled:
            raise self._failure("was not waited for: the request was cancelled")

    def reject(self) -> None:
        """Run the plugin again at the next request: the server rejected its credentials."""
        self._rejected = True

    def _run(self) -> _Status:
        spec: dict[str, Any] = {"interactive": False}
        if self._cluster is not None:
            spec["cluster"] = self._cluster
        info = {"kind": "ExecCredential", "apiVersion": self._config.api_version, "spec": spec}
        environment = os.environ | {entry.name: entry.value for entry in self._config.env}
        environment["KUBERNETES_EXEC_INFO"] = json.dumps(info, default=str)
        output = self._output(environment)
        try:
            answer = msgspec.json.decode(output, type=_ExecCredential)
        except msgspec.DecodeError as error:
            problem = str(error) if isinstance(error, msgspec.ValidationError) else "it is not JSON"
            raise self._failure(f"printed no ExecCredential: {problem}") from None
        status = answer.status or _Status()
        register_secret(status.token, status.client_key_data, origin=self._who)
        if answer.api_version != self._config.api_version:
            raise self._failure(
                f"answered in apiVersion {answer.api_version!r}, "
                f"the kubeconfig asks for {self._config.api_version}"
            )
        if not (status.token or status.client_certificate_data or status.client_key_data):
            raise self._failure("gave neither a token nor a certificate and key")
        if bool(status.client_certificate_data) != bool(status.client_key_data):
            raise self._failure("gave only one of certificate and key")
        return status

    def _output(self, environment: dict[str, str]) -> bytes:
        try:
            process = subprocess.Popen(
                [self._command, *self._config.args],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError:
            hint = " ".join(self._config.install_hint.split())
            raise self._failure(
                f"is not installed; {hint or 'install it, or correct its command'}"
            ) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise self._failure(f"cannot be run: {reason}") from None
        cancel = current_cancel() or Cancel()
        try:
            cancel.running(partial(_kill, process))
            output, stderr = process.communicate(timeout=self._timeout_s)
        except subprocess.TimeoutExpired:
            _end(process)
            raise self._failure(
                f"did not answer within {self._timeout_s:g} s and was ended; does it wait for a "
                "login? log in first"
            ) from None
        except BaseException:
            _end(process)
            raise
        finally:
            cancel.running(None)
        if process.returncode != 0:
            message = " ".join(stderr.decode(errors="replace").split())[-MAX_STDERR:]
            raise self._failure(
                f"failed with exit code {process.returncode}: {message or 'its stderr is empty'}"
            )
        return output

    def _failure(self, problem: str) -> CredentialsError:
        values = [argument.partition("=")[2] for argument in self._config.args]
        private = [*self._config.args, *values, *(entry.value for entry in self._config.env)]
        name = Path(self._command).name
        shown = without(redact(problem), [*private, *_texts((self._cluster or {}).get("config"))])
        return CredentialsError(f"the exec plugin {name} of {self._who} {shown}")


def _pair(status: _Status) -> ClientCertificate | None:
    if not status.client_key_data:
        return None
    return ClientCertificate(
        status.client_certificate_data.encode(), status.client_key_data.encode()
    )


def _expired(status: _Status) -> bool:
    expiry = status.expiration_timestamp
    if expiry is None:
        return False
    return dt.datetime.now(dt.UTC) >= (expiry if expiry.tzinfo else expiry.replace(tzinfo=dt.UTC))


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill the plugin with all processes that it started, and wait for it."""
    _kill(process)
    process.communicate()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    if process.returncode is None:  # else its pid may be another process's
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _texts(value: Any) -> list[str]:  # noqa: ANN401 - JSON of any shape
    """Return every string in an extension: a plugin may repeat them."""
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []
