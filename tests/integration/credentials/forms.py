"""Table of the forms of kubeconfigs; kubectl and this project read each.

``differs`` documents why this project decides differently from kubectl. ``says`` is a
part of the expected refusal.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml

from tests.integration.credentials.world import GROUP, MARK, World

Content = dict[str, Any] | str | bytes


@dataclass(frozen=True)
class Form:
    name: str
    make: Callable[[World], Content]
    says: str = ""
    differs: str = ""
    files: tuple[Callable[[World], Content], ...] = ()
    """Further files, after the first in ``$KUBECONFIG``."""
    patience_s: float = 10.0
    """Time after which a program counts as hanging; even on a busy machine each answers before."""


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _text(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, sort_keys=False)


def _binary(w: World, encodings: int) -> str:
    data = w.authority.read_bytes()
    for _ in range(encodings):
        data = base64.b64encode(data)
    plain = {"server": w.url, "certificate-authority-data": "DATA"}
    return _text(w.document(cluster=plain)).replace("DATA", f"!!binary {data.decode()}")


def _anchors(w: World) -> str:
    return (
        f"x: &base {{server: '{w.url}'}}\n"
        "current-context: ours\n"
        f"clusters: [{{name: c, cluster: {{<<: *base, certificate-authority: {w.authority}}}}}]\n"
        f"users: [{{name: u, user: {{token: &t {w.token}}}}}, {{name: v, user: {{token: *t}}}}]\n"
        "contexts: [{name: ours, context: {cluster: c, user: v}}]\n"
    )


def _auth_provider(name: str, **config: str) -> Callable[[World], Content]:
    return lambda w: w.document({"auth-provider": {"name": name, "config": config}})


def _oidc(w: World, **more: str) -> Content:
    config = {"idp-issuer-url": "https://127.0.0.1:9", "client-id": "me", "id-token": w.token}
    return w.document({"auth-provider": {"name": "oidc", "config": config | more}})


def _expired() -> str:
    part = base64.urlsafe_b64encode(json.dumps({"exp": 1}).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{part}.{MARK}"


def _pair_status(w: World) -> str:
    certificate, key = (file.read_text() for file in w.admin)
    return f"dict(clientCertificateData={certificate!r}, clientKeyData={key!r})"


def _token_status(w: World) -> str:
    return f"dict(token={w.token!r})"


def _with_extras(w: World) -> Content:
    user = {"client-certificate": str(w.admin[0]), "client-key": str(w.admin[1])}
    extra = {"example.org/team": ["blue", "green"], "scopes": ["read"]}
    acting = {"as": "jane", "as-groups": ["dev", "ops"], "as-uid": "42", "as-user-extra": extra}
    return w.document(user | acting)


def _mismatch(w: World) -> Content:
    data = w.admin_data()
    pair = w.stranger().issue_client("other", "strangers")
    return w.document(data | {"client-key-data": _b64(pair.key.read_bytes())})


def _cluster_info(w: World) -> Content:
    check = (
        "cluster = info['spec']['cluster']\n"
        f"assert cluster['server'] == {w.url!r} and cluster['certificate-authority-data']\n"
        "assert cluster['config'] == {'audience': 'x'}, cluster\n"
    )
    user = w.plugin(_token_status(w), "v1beta1", check, provideClusterInfo=True)
    extension = {"name": f"{GROUP}/exec", "extension": {"audience": "x"}}
    return w.document(user, w.cluster(extensions=[extension]))


def _another(w: World, kind: str, entry: dict[str, Any]) -> Content:
    document = w.document()
    document[kind].append(entry)
    return document


FORMS = (
    # Certificates and tokens.
    Form("client certificate", lambda w: w.document(w.admin_data())),
    Form(
        "client certificate in files",
        lambda w: w.document(
            {"client-certificate": str(w.admin[0]), "client-key": str(w.admin[1])}
        ),
    ),
    Form(
        "client certificate in relative files",
        lambda w: w.document(
            {
                "client-certificate": w.write("me.crt", w.admin[0].read_bytes()),
                "client-key": w.write("me.key", w.admin[1].read_bytes()),
            }
        ),
    ),
    Form("token", lambda w: w.document()),
    Form(
        "token with a line break after it",
        lambda w: w.document({"token": w.token + "\n"}),
        differs="kubectl refuses the header; the break is dropped here, as it is from a file",
    ),
    Form(
        "token with a line break inside",
        lambda w: w.document({"token": f"{MARK}\n{MARK}"}),
        says="has a line break",
    ),
    Form("token and certificate", lambda w: w.document(w.admin_data() | {"token": w.token})),
    Form("token of nobody", lambda w: w.document({"token": MARK}), says="401"),
    Form("token is empty", lambda w: w.document({"token": ""}), says="has no credentials"),
    Form(
        "token is a number",
        lambda w: w.document({"token": 4711}),
        says="Expected `str`, got `int`",
    ),
    Form("tokenFile", lambda w: w.document({"tokenFile": str(w.folder / w.write("t", w.token))})),
    Form("tokenFile relative", lambda w: w.document({"tokenFile": w.write("t", w.token)})),
    Form("tokenFile by echo", lambda w: w.document({"tokenFile": w.write("t", w.token + "\n")})),
    Form(
        "tokenFile and a stale token",
        lambda w: w.document({"token": MARK, "tokenFile": w.write("t", w.token)}),
    ),
    Form(
        "tokenFile missing beside a token",
        lambda w: w.document({"token": w.token, "tokenFile": "/nope"}),
    ),
    Form(
        "tokenFile missing",
        lambda w: w.document({"tokenFile": "/nope"}),
        says="/nope cannot be read: No such file",
    ),
    Form("tokenFile empty", lambda w: w.document({"tokenFile": w.write("t", "")}), says="is empty"),
    Form(
        "password",
        lambda w: w.document({"username": "me", "password": MARK}),
        says="requests would be system:anonymous",
    ),
    Form(
        "password and token",
        lambda w: w.document({"username": "me", "password": MARK, "token": w.token}),
        says="a username and password",
    ),
    Form(
        "certificate without key",
        lambda w: w.document({"client-certificate": str(w.admin[0])}),
        says="without a client-key",
    ),
    Form(
        "certificate as file and data",
        lambda w: w.document(w.admin_data() | {"client-certificate": str(w.admin[0])}),
        says="keep one",
    ),
    Form("key of another certificate", _mismatch, says="do not belong together"),
    Form(
        "key is not PEM",
        lambda w: w.document(w.admin_data() | {"client-key-data": _b64(MARK.encode())}),
        says="are not PEM",
    ),
    Form(
        "key data is not base64",
        lambda w: w.document(w.admin_data() | {"client-key-data": f"{MARK}!"}),
        says="is not base64",
    ),
    Form(
        "certificate missing",
        lambda w: w.document({"client-certificate": "/nope", "client-key": "/nope"}),
        says="/nope, cannot be read",
    ),
    Form("user without credentials", lambda w: w.document({}), says="has no credentials"),
    # Impersonation.
    Form("as, groups, uid and extra", _with_extras),
    Form(
        "groups without as",
        lambda w: w.document({"token": w.token, "as-groups": ["dev"]}),
        says="without as",
    ),
    Form(
        "as whom one may not be",
        lambda w: w.document({"token": w.token, "as": "jane"}),
        says="403",
    ),
    # Exec plugins.
    Form("exec v1", lambda w: w.document(w.plugin(_token_status(w)))),
    Form("exec v1beta1 provideClusterInfo", _cluster_info),
    Form(
        "exec v1alpha1",
        lambda w: w.document(w.plugin(_token_status(w), "v1alpha1")),
        says="no longer served",
    ),
    Form("exec certificate", lambda w: w.document(w.plugin(_pair_status(w)))),
    Form(
        "exec certificate without key",
        lambda w: w.document(w.plugin("dict(clientCertificateData='x')")),
        says="only one of certificate and key",
    ),
    Form(
        "exec certificate that is none",
        lambda w: w.document(w.plugin("dict(clientCertificateData='x', clientKeyData='y')")),
        says="are not PEM",
    ),
    Form(
        "exec v1 without interactiveMode",
        lambda w: w.document(w.plugin(_token_status(w), interactiveMode="")),
        says="has no interactiveMode",
    ),
    Form(
        "exec v1beta1 without interactiveMode",
        lambda w: w.document(w.plugin(_token_status(w), "v1beta1", interactiveMode="")),
    ),
    Form(
        "exec interactiveMode Always",
        lambda w: w.document(w.plugin(_token_status(w), interactiveMode="Always")),
        says="needs a terminal",
    ),
    Form(
        "exec interactiveMode IfAvailable",
        lambda w: w.document(w.plugin(_token_status(w), interactiveMode="IfAvailable")),
    ),
    Form(
        "exec not installed",
        lambda w: w.document(
            w.plugin("0", command="kubelogin-not-there", installHint="Install it from afar")
        ),
        says="is not installed; Install it from afar",
    ),
    Form(
        "exec fails",
        lambda w: w.document(w.plugin("0", before=f"sys.exit('denied {MARK}'[:6])")),
        says="failed with exit code 1: denied",
    ),
    Form(
        "exec hangs",
        lambda w: w.document(w.plugin("0", before="time.sleep(600)")),
        says="did not answer within",
        patience_s=1.0,
    ),
    Form(
        "exec prints no JSON",
        lambda w: w.document(w.plugin("0", before=f"print('{MARK}'); sys.exit()")),
        says="it is not JSON",
    ),
    Form("exec gives nothing", lambda w: w.document(w.plugin("{}")), says="gave neither"),
    Form(
        "exec answers in another version",
        lambda w: w.document(w.plugin(_token_status(w), "v1", apiVersion=f"{GROUP}/v1beta1")),
        says="answered in apiVersion",
    ),
    Form(
        "exec relative command",
        lambda w: w.document(w.plugin(_token_status(w), command="./plugin")),
    ),
    Form(
        "exec without command",
        lambda w: w.document(w.plugin("0", command="")),
        says="has no command",
    ),
    Form(
        "exec beside a token",
        lambda w: w.document(w.plugin(f"dict(token='{MARK}')") | {"token": w.token}),
    ),
    Form(
        "exec with env and args",
        lambda w: w.document(
            w.plugin(
                "dict(token=os.environ['TOKEN'] + sys.argv[1])",
                env=[{"name": "TOKEN", "value": w.token[:20]}],
                args=[w.token[20:]],
            )
        ),
    ),
    # Auth providers.
    Form(
        "auth-provider gcp",
        _auth_provider("gcp", **{"access-token": MARK}),
        says="has been removed",
    ),
    Form(
        "auth-provider azure",
        _auth_provider("azure", **{"access-token": MARK}),
        says="has been removed",
    ),
    Form("auth-provider unknown", _auth_provider("other"), says="is unknown"),
    Form("auth-provider oidc with id-token", _oidc),
    Form(
        "auth-provider oidc, expired",
        lambda w: _oidc(w, **{"id-token": _expired()}),
        says="has expired",
    ),
    Form(
        "auth-provider oidc without issuer",
        lambda w: _oidc(w, **{"idp-issuer-url": ""}),
        says="has no idp-issuer-url",
    ),
    Form(
        "auth-provider and exec",
        lambda w: w.document(
            w.plugin(_token_status(w)) | {"auth-provider": {"name": "oidc", "config": {}}}
        ),
        says="keep exec",
    ),
    # Servers and trust.
    Form(
        "certificate authority in data",
        lambda w: w.document(
            cluster={
                "server": w.url,
                "certificate-authority-data": _b64(w.authority.read_bytes()),
            }
        ),
    ),
    Form("certificate authority as !!binary", lambda w: _binary(w, 2)),
    Form(
        "certificate authority as !!binary without base64",
        lambda w: _binary(w, 1),
        says="is not base64",
    ),
    Form(
        "certificate authority relative",
        lambda w: w.document(
            cluster=w.cluster(
                **{"certificate-authority": w.write("ca.crt", w.authority.read_bytes())}
            )
        ),
    ),
    Form(
        "certificate authority of another",
        lambda w: w.document(
            cluster=w.cluster(**{"certificate-authority": str(w.stranger().certificate)})
        ),
        says="CERTIFICATE_VERIFY_FAILED",
    ),
    Form(
        "certificate authority is not PEM",
        lambda w: w.document(
            cluster={"server": w.url, "certificate-authority-data": _b64(b"hello")}
        ),
        says="holds no certificate in PEM",
    ),
    Form(
        "certificate authority missing",
        lambda w: w.document(cluster=w.cluster(**{"certificate-authority": "/nope"})),
        says="/nope, cannot be read",
    ),
    Form(
        "certificate authority as file and data",
        lambda w: w.document(cluster=w.cluster(**{"certificate-authority-data": _b64(b"x")})),
        says="keep one",
    ),
    Form(
        "no certificate authority",
        lambda w: w.document(cluster={"server": w.url}),
        says="CERTIFICATE_VERIFY_FAILED",
    ),
    Form(
        "insecure",
        lambda w: w.document(cluster={"server": w.url, "insecure-skip-tls-verify": True}),
    ),
    Form(
        "insecure and a certificate authority",
        lambda w: w.document(cluster=w.cluster(**{"insecure-skip-tls-verify": True})),
        says="keep one",
    ),
    Form(
        "another address and tls-server-name",
        lambda w: w.document(
            cluster=w.cluster(
                server=f"https://[::1]:{w.forwarder}", **{"tls-server-name": "localhost"}
            )
        ),
    ),
    Form(
        "IPv6 server that its certificate does not name",
        lambda w: w.document(cluster=w.cluster(server=f"https://[::1]:{w.forwarder}")),
        says="CERTIFICATE_VERIFY_FAILED",
    ),
    Form("trailing slash", lambda w: w.document(cluster=w.cluster(server=f"{w.url}/"))),
    Form(
        "HTTPS:// in capitals",
        lambda w: w.document(cluster=w.cluster(server=w.url.replace("https", "HTTPS"))),
    ),
    Form(
        "server without scheme",
        lambda w: w.document(cluster=w.cluster(server=w.url.removeprefix("https://"))),
        says="write https://HOST:PORT",
    ),
    Form("no server", lambda w: w.document(cluster={"server": ""}), says="has no server"),
    Form(
        "user in the server's address",
        lambda w: w.document(
            cluster=w.cluster(server=w.url.replace("https://", f"https://me:{MARK}@"))
        ),
        says="put credentials into the user",
    ),
    Form(
        "nobody listens",
        lambda w: w.document(cluster=w.cluster(server="https://127.0.0.1:9")),
        says="Connection refused",
    ),
    Form(
        "kubectl proxy below a prefix, no credentials",
        lambda w: w.document({}, {"server": f"{w.plain}/"}),
    ),
    Form(
        "kubectl proxy below a prefix, token",
        lambda w: w.document(cluster={"server": w.plain}),
        says="not sent over plain http",
        differs="kubectl drops the token in silence; here nobody is somebody else in silence",
    ),
    Form(
        "proxy-url http",
        lambda w: w.document(cluster=w.cluster(**{"proxy-url": f"http://127.0.0.1:{w.proxy}"})),
    ),
    Form(
        "proxy-url http with a password, nobody listens",
        lambda w: w.document(cluster=w.cluster(**{"proxy-url": f"http://me:{MARK}@127.0.0.1:9"})),
        says="proxy",
    ),
    Form(
        "proxy-url socks5",
        lambda w: w.document(cluster=w.cluster(**{"proxy-url": "socks5://127.0.0.1:9"})),
        says="socks5",
    ),
    Form(
        "proxy-url without scheme",
        lambda w: w.document(cluster=w.cluster(**{"proxy-url": "127.0.0.1:9"})),
        says="proxy-url",
    ),
    # Contexts and their surroundings.
    Form(
        "namespace is null",
        lambda w: w.document(context={"cluster": "c", "user": "u", "namespace": None}),
    ),
    Form(
        "context of an unknown user",
        lambda w: w.document(context={"cluster": "c", "user": "v"}),
        says="names the user 'v', which is not in",
    ),
    Form(
        "context of an unknown cluster",
        lambda w: w.document(context={"cluster": "d", "user": "u"}),
        says="names the cluster 'd', which is not in",
    ),
    Form(
        "users null, user ''",
        lambda w: w.document(context={"cluster": "c", "user": ""}, users=None),
        says="names no user",
    ),
    Form(
        "another context without user",
        lambda w: _another(w, "contexts", {"name": "x", "context": {"cluster": "c"}}),
    ),
    Form(
        "another context is empty",
        lambda w: _another(w, "contexts", {"name": "x", "context": None}),
    ),
    Form(
        "another cluster without server",
        lambda w: _another(w, "clusters", {"name": "x", "cluster": {}}),
    ),
    Form(
        "another user with an exec plugin that is none",
        lambda w: _another(w, "users", {"name": "x", "user": {"exec": {}}}),
    ),
    Form(
        "another user's token is a number",
        lambda w: _another(w, "users", {"name": "x", "user": {"token": 4711}}),
        says="is not a kubeconfig",
    ),
    Form(
        "duplicate contexts",
        lambda w: _another(w, "contexts", w.document()["contexts"][0]),
        says="has two contexts named 'ours'",
    ),
    Form(
        "duplicate users",
        lambda w: _another(w, "users", {"name": "u", "user": {"token": MARK}}),
        says="has two users named 'u'",
    ),
    Form(
        "context name is a number",
        lambda w: _another(w, "contexts", {"name": 7, "context": {"cluster": "c", "user": "u"}}),
        says="Expected `str`, got `int`",
    ),
    Form("no current-context, one named", lambda w: w.document(**{"current-context": ""})),
    Form(
        "preferences null, extensions",
        lambda w: w.document(
            preferences=None,
            extensions=[{"name": "x", "extension": {"last-update": "2026-01-01"}}],
        ),
    ),
    Form("unknown fields", lambda w: w.document(other={"a": 1})),
    # How a file is written.
    Form("empty file", lambda w: "", says="is not a kubeconfig"),
    Form("list", lambda w: "[]", says="is not a kubeconfig"),
    Form("cut off", lambda w: '{"users": [', says="is not a kubeconfig"),
    Form("CRLF", lambda w: _text(w.document()).replace("\n", "\r\n")),
    Form("anchors and merge", _anchors),
    Form("UTF-8 with BOM", lambda w: b"\xef\xbb\xbf" + _text(w.document()).encode()),
    Form("UTF-16", lambda w: _text(w.document()).encode("utf-16")),
    Form("JSON", lambda w: json.dumps(w.document())),
    Form("JSON indented by tabs", lambda w: json.dumps(w.document(), indent="\t")),
    Form("two documents", lambda w: _text(w.document()) + "---\nx: y\n"),
    # Several files.
    Form(
        "first of two files empty",
        lambda w: "contexts: null\n",
        files=(lambda w: w.document(),),
    ),
    Form(
        "first of two files wins",
        lambda w: w.document(),
        files=(lambda w: w.document({"token": MARK}),),
    ),
    Form(
        "user in another file",
        lambda w: w.document(users=[]),
        files=(lambda w: {"users": w.document()["users"]},),
    ),
    Form(
        "second of two files is no kubeconfig",
        lambda w: w.document(),
        files=(lambda w: "{",),
        says="is not a kubeconfig",
    ),
)
