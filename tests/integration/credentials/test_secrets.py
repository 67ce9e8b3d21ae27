"""A secret of a kubeconfig is in no message, whatever fails."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from bench.cli import main
from tests.integration.credentials.forms import Content
from tests.integration.credentials.world import GROUP, MARK, World

SECRET_FORMS = (MARK, base64.b64encode(MARK.encode()).decode()[:20])

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


def found_in(text: str) -> list[str]:
    return [form for form in SECRET_FORMS if form in text]


@pytest.mark.parametrize("field", [*USERS, *CLUSTERS, *TEXTS])
def test_a_secret_of_a_kubeconfig_is_not_told_by_the_harness(
    world: World, field: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = kubeconfig(world, field)

    assert 1 == main(["clean", "--yes", f"--kubeconfig={file}", "--context=ours"])

    said = "".join(capsys.readouterr())
    assert "error: " in said
    assert [] == found_in(said)
