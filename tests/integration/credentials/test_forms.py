"""Every form of a kubeconfig is read as kubectl reads it, or the table explains why not."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
import yaml

from bench.cluster.api import Api, ApiError, ApiUnreachableError
from kube_informer import ClientConfig, CredentialsError
from tests.integration.credentials.forms import FORMS, Form
from tests.integration.credentials.world import CONTEXT, MARK, World

REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
ASKED = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}


def write(form: Form, world: World) -> list[Path]:
    files = []
    for number, make in enumerate((form.make, *form.files)):
        content = make(world)
        if isinstance(content, dict):
            content = yaml.safe_dump(content, sort_keys=False)
        path = world.folder / f"config-{number}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        files.append(path)
    return files


def by_kubectl(kubectl: Path, files: list[Path], home: Path, patience_s: float) -> str:
    """Return the user by kubectl, as JSON with sorted keys, or "refused" with its message."""
    argv = [kubectl, "--context", CONTEXT, "auth", "whoami", "-o", "json"]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    environment["KUBECONFIG"] = os.pathsep.join(map(str, files))
    with subprocess.Popen(
        argv,
        env=environment,
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # kubectl leaves its plugin behind when it is ended
    ) as process:
        try:
            output, errors = process.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return "refused: it hangs"
    if process.returncode != 0:
        return f"refused: {errors.strip()}"
    return user(json.loads(output))


def by_this_project(files: list[Path], monkeypatch: pytest.MonkeyPatch, patience_s: float) -> str:
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, files)))
    try:
        api = Api(ClientConfig.load(None, CONTEXT, exec_timeout_s=patience_s))
        try:
            return user(api.post(REVIEW, ASKED))
        finally:
            api.close()
    except (CredentialsError, ApiError, ApiUnreachableError) as error:
        return f"refused: {error}"


def user(review: dict) -> str:
    info = dict(review["status"]["userInfo"])
    # the API server gives the credential a new id for each request of a token
    info["extra"] = {k: v for k, v in info.get("extra", {}).items() if "credential-id" not in k}
    return json.dumps(info, sort_keys=True)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_kubeconfig_is_read_as_kubectl_reads_it(
    form: Form, world: World, kubectl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write(form, world)

    theirs = by_kubectl(kubectl, files, world.folder, form.patience_s)
    ours = by_this_project(files, monkeypatch, form.patience_s)

    refused = [answer.startswith("refused") for answer in (theirs, ours)]
    if form.differs:
        assert refused[0] != refused[1], "the table explains a difference that there is not"
    elif any(refused):
        assert all(refused), (theirs, ours)
    else:
        assert theirs == ours
    if refused[1]:
        assert form.says
        assert form.says in ours
        assert "\n" not in ours
        assert MARK not in ours
        assert 'User "system:anonymous"' not in ours
