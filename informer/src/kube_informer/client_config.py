"""The address of an API server and the identity to use there, for every program here.

Loads a context of a kubeconfig, or inside a cluster a pod's service account, by
client-go's rules. A user without credentials is refused, never continued as
``system:anonymous``; no credentials are sent over plain http.
"""

import base64
import binascii
import json
import os
import ssl
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import urllib3

from kube_informer.connection import drop_idle
from kube_informer.credentials import (
    Credentials,
    ExecToken,
    Header,
    Impersonation,
    PairFiles,
    TokenFile,
    TokenSource,
    bearer_header,
    load_pair,
)
from kube_informer.environment_proxy import environment_proxy
from kube_informer.errors import KubeconfigError
from kube_informer.exec_plugin import TIMEOUT_S, ClientCertificate, ExecPlugin, check_exec
from kube_informer.kubeconfig import OTHER_FILE, Cluster, Kubeconfig, Origin, User, listed
from kube_informer.redaction import register_secret

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds its token and its cluster's authority."""
EXEC_EXTENSION = "client.authentication.k8s.io/exec"
"""The extension of a cluster that is passed to its exec plugin."""
IN_CLUSTER = "in-cluster"
EXPIRY_MARGIN_S = 10
REMOVED = ("gcp", "azure")
"""Auth providers that Kubernetes has removed, in favour of exec plugins."""


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """One identity at one API server.

    ``server`` is its address without a trailing slash. ``authority`` is PEM; ``None``
    trusts the authorities of this machine. ``server_name`` is the name in the server's
    certificate if its address is not. ``proxy`` is the proxy's URL, "" for none.
    """

    server: str
    credentials: Credentials = field(default_factory=Credentials)
    context: str = ""
    authority: bytes | None = None
    insecure: bool = False
    server_name: str = ""
    proxy: str = ""

    @classmethod
    def load(
        cls,
        kubeconfig: str | Path | None = None,
        context: str | None = None,
        *,
        preferred: str | None = None,
        exec_timeout_s: float = TIMEOUT_S,
    ) -> "ClientConfig":
        """Return the configuration of ``context`` (``preferred`` if there, else the current one).

        Without ``kubeconfig`` read the files that kubectl reads, and in a pod without any
        its service account. Raise :class:`KubeconfigError`, or
        :class:`CredentialsError` for a user whose credentials cannot be used.
        """
        merged = Kubeconfig.read(kubeconfig)
        if merged.is_empty and kubeconfig is None and context is None and is_in_cluster():
            return cls.in_cluster()
        return cls.of(merged, merged.choose(context, preferred), exec_timeout_s=exec_timeout_s)

    @classmethod
    def of(
        cls, kubeconfig: Kubeconfig, context: str, *, exec_timeout_s: float = TIMEOUT_S
    ) -> "ClientConfig":
        """Return the configuration of a context in ``kubeconfig``; raise as :meth:`load`."""
        cluster, cluster_origin = _entry(kubeconfig, context, "cluster")
        user, user_origin = _entry(kubeconfig, context, "user")
        where = f"cluster {kubeconfig.contexts[context][0].cluster!r} in {cluster_origin.file}"
        who = f"user {kubeconfig.contexts[context][0].user!r} in {user_origin.file}"
        _register(cluster, user)
        config = cls(
            _server(cluster, where),
            context=context,
            authority=_authority(cluster, cluster_origin, where),
            insecure=cluster.insecure_skip_tls_verify,
            server_name=cluster.tls_server_name,
            proxy=_proxy(cluster, where),
        )
        reader = _UserReader(user, user_origin, who, cluster, config, exec_timeout_s)
        return replace(config, credentials=reader.credentials())

    @classmethod
    def in_cluster(cls, folder: Path = SERVICE_ACCOUNT) -> "ClientConfig":
        """Return the configuration of a pod's service account; raise :class:`KubeconfigError`."""
        host = os.environ.get("KUBERNETES_SERVICE_HOST", "")
        port = os.environ.get("KUBERNETES_SERVICE_PORT", "")
        if not (host and port):
            raise KubeconfigError(
                "this is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set"
            )
        token_file = folder / "token"
        if not token_file.exists():
            raise KubeconfigError(
                f"this pod has no token of a service account: there is no {token_file}; set "
                f"automountServiceAccountToken in its spec, or {OTHER_FILE}"
            )
        token = TokenFile(token_file)
        token.header()
        authority = folder / "ca.crt"
        return cls(
            f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
            Credentials(token),
            context=IN_CLUSTER,
            authority=_pem_authority(authority.read_bytes(), str(authority))
            if authority.is_file()
            else None,
        )

    def tls(self) -> ssl.SSLContext:
        """Return a TLS context with the present client certificate.

        Raise :class:`CredentialsError` if an exec plugin gives none that can be used.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # Go accepts a partial chain too
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self.authority is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(cadata=self.authority.decode("ascii", "ignore"))
        pair = self.credentials.certificate()
        if pair is not None:
            load_pair(context, pair, f"context {self.context!r}")
        return context

    def pools(self, *, maxsize: int, **options: Any) -> urllib3.PoolManager:  # noqa: ANN401 - urllib3's own options
        """Return urllib3's pools for this server; raise as :meth:`tls`.

        They keep ``maxsize`` connections; ``options`` are those of ``urllib3.PoolManager``.
        """
        options |= {"maxsize": maxsize, "retries": False}
        if self.server.startswith("https:"):
            options["ssl_context"] = self.tls()
            if self.insecure:  # as the kubeconfig says: no need to be warned at each request
                urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
                options |= {"cert_reqs": ssl.CERT_NONE, "assert_hostname": False}
            if self.server_name:
                options["server_hostname"] = self.server_name
        manager = urllib3.PoolManager(**options)
        if self.proxy:
            manager = urllib3.ProxyManager(
                self.proxy, proxy_headers=_proxy_headers(self.proxy), **options
            )
        tls = options.get("ssl_context")
        if tls is not None:
            self.credentials.on_renewal(lambda pair: _renew(manager, tls, pair))
        return manager


def _renew(manager: urllib3.PoolManager, tls: ssl.SSLContext, pair: ClientCertificate) -> None:
    """Use a new client certificate, and drop idle connections, which have the old one."""
    load_pair(tls, pair, "its exec plugin")
    for key in manager.pools.keys():  # noqa: SIM118 - it cannot be iterated over
        pool = manager.pools.get(key)
        if pool is not None:
            drop_idle(pool)


def _proxy_headers(proxy: str) -> dict[str, str] | None:
    address = urlsplit(proxy)
    if address.username is None:
        return None
    secret = unquote(f"{address.username}:{address.password or ''}")
    headers = urllib3.make_headers(proxy_basic_auth=secret)
    register_secret(*headers.values())
    return dict(headers)


def is_in_cluster() -> bool:
    """Whether this process runs in a pod, with or without a token."""
    port = os.environ.get("KUBERNETES_SERVICE_HOST") and os.environ.get("KUBERNETES_SERVICE_PORT")
    return bool(port)


def _entry(kubeconfig: Kubeconfig, context: str, kind: str) -> tuple[Any, Origin]:
    """Return the cluster or user of a context, and its origin."""
    entry, origin = kubeconfig.contexts[context]
    name = getattr(entry, kind)
    known: dict[str, tuple[Any, Origin]] = getattr(kubeconfig, f"{kind}s")
    if not name:
        raise KubeconfigError(f"context {context!r} in {origin.file} names no {kind}")
    if name not in known:
        raise KubeconfigError(
            f"context {context!r} in {origin.file} names the {kind} {name!r}, which is not in "
            f"{kubeconfig} (there are: {listed(list(known))})"
        )
    return known[name]


def _register(cluster: Cluster, user: User) -> None:
    """Register the secrets of these entries for redaction."""
    provider = user.auth_provider.config if user.auth_provider else {}
    register_secret(user.token, user.password, user.client_key_data, *provider.values())
    for url in (cluster.proxy_url, cluster.server):
        info = url.partition("://")[2].partition("/")[0].rpartition("@")[0]
        register_secret(info, info.partition(":")[2])


def _server(cluster: Cluster, where: str) -> str:
    try:
        address = urlsplit(cluster.server)
        port = f":{address.port}" if address.port else ""
    except ValueError:
        raise KubeconfigError(f"the server of {where} is no URL; write https://HOST:PORT") from None
    if not cluster.server:
        raise KubeconfigError(f"{where} has no server")
    if address.scheme not in ("http", "https") or not address.hostname:
        raise KubeconfigError(f"the server of {where} is no http(s) URL; write https://HOST:PORT")
    if address.username is not None:
        raise KubeconfigError(
            f"the server of {where} has a user in its address; put credentials into the user"
        )
    host = f"[{address.hostname}]" if ":" in address.hostname else address.hostname
    return f"{address.scheme}://{host}{port}{address.path.rstrip('/')}"


def _authority(cluster: Cluster, origin: Origin, where: str) -> bytes | None:
    pem = _data_or_file(cluster, "certificate-authority", origin, where)
    if pem is None:
        return None
    if cluster.insecure_skip_tls_verify:
        raise KubeconfigError(
            f"{where} has insecure-skip-tls-verify and a certificate-authority; keep one"
        )
    return _pem_authority(pem, f"the certificate-authority of {where}")


def _pem_authority(pem: bytes, origin: str) -> bytes:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
            cadata=pem.decode("ascii", "ignore")
        )
    except (ssl.SSLError, ValueError):
        raise KubeconfigError(f"{origin} holds no certificate in PEM") from None
    return pem


def _data_or_file(entry: Cluster | User, key: str, origin: Origin, where: str) -> bytes | None:
    """Return the content of ``KEY-data``, which is base64, or of the file ``KEY``."""
    field_name = key.replace("-", "_")
    path, data = getattr(entry, field_name), getattr(entry, f"{field_name}_data")
    if data and path:
        raise KubeconfigError(f"{where} has both {key} and {key}-data; keep one")
    if data:
        try:
            return base64.b64decode("".join(data.split()), validate=True)
        except (binascii.Error, ValueError):
            raise KubeconfigError(f"{key}-data of {where} is not base64") from None
    if not path:
        return None
    file = origin.resolve(path)
    try:
        return file.read_bytes()
    except OSError as error:
        raise KubeconfigError(
            f"{key} of {where}, {file}, cannot be read: {error.strerror}"
        ) from None


def _proxy(cluster: Cluster, where: str) -> str:
    """Return the proxy of ``proxy-url``, else of the environment, chosen as Go does."""
    address = urlsplit(cluster.server)
    proxy, origin = cluster.proxy_url, f"proxy-url of {where}"
    if not proxy:
        proxy = environment_proxy(address.scheme, address.hostname or "", address.port)
        origin = f"{address.scheme.upper()}_PROXY"
        proxy = f"http://{proxy}" if proxy and "://" not in proxy else proxy
        register_secret(proxy.partition("://")[2].rpartition("@")[0])
    if proxy and urlsplit(proxy).scheme not in ("http", "https"):
        raise KubeconfigError(
            f"the {origin} is no http(s) URL; other proxies (socks5) are not supported here: "
            "use an http proxy, or a tunnel and tls-server-name"
        )
    if proxy and address.scheme != "https":
        raise KubeconfigError(f"the {origin} stands before a plain http server: use https there")
    return proxy


@dataclass(frozen=True, slots=True)
class _UserReader:
    """Makes credentials from a user's entry, by client-go's precedence."""

    user: User
    origin: Origin
    who: str
    cluster: Cluster
    config: ClientConfig
    exec_timeout_s: float

    def credentials(self) -> Credentials:
        user = self.user
        self._check()
        impersonation = Impersonation(
            user.as_,
            user.as_uid,
            tuple(user.as_groups),
            tuple((key, item) for key, values in user.as_user_extra.items() for item in values),
        )
        for _, value in impersonation.headers():
            if not (value.isascii() and value.isprintable()):
                raise KubeconfigError(
                    f"{self.who} has a value in as, as-uid, as-groups or as-user-extra that no "
                    "HTTP header can carry: write it on one line of printable ASCII"
                )
        if not self.config.server.startswith("https:"):
            self._check_plain()
            return Credentials(impersonation=impersonation)
        pair = self._pair()
        source = self._source()
        plugin = None
        if user.exec is not None and source is None and pair is None:
            plugin = self._plugin()
            source = ExecToken(plugin, f"the token from the exec plugin of {self.who}")
        if source is None and pair is None:
            raise KubeconfigError(
                f"{self.who} has no credentials, and system:anonymous is not used: log in, or "
                "add a token, tokenFile, client-certificate or exec"
            )
        return Credentials(source, impersonation, pair=pair, plugin=plugin)

    def _check(self) -> None:
        user = self.user
        if user.username or user.password:
            raise KubeconfigError(
                f"{self.who} has a username and password, which Kubernetes has not authenticated "
                "since 1.19: requests would be system:anonymous; use a token or a certificate"
            )
        if (user.as_uid or user.as_groups or user.as_user_extra) and not user.as_:
            raise KubeconfigError(f"{self.who} has as-groups, as-uid or as-user-extra without as")
        if user.exec is not None:
            if user.auth_provider is not None:
                raise KubeconfigError(f"{self.who} has exec and auth-provider; keep exec")
            check_exec(user.exec, self.who)

    def _check_plain(self) -> None:
        """Refuse credentials over plain http, where anybody on the way can read them."""
        alone = msgspec.structs.replace(
            self.user, as_="", as_uid="", as_groups=[], as_user_extra={}
        )
        if alone != User():
            raise KubeconfigError(
                f"{self.who} has credentials and the server is {self.config.server}: they are not "
                "sent over plain http; use https, or a user without credentials for kubectl proxy"
            )

    def _pair(self) -> ClientCertificate | PairFiles | None:
        certificate = _data_or_file(self.user, "client-certificate", self.origin, self.who)
        if certificate is None:
            return None
        key = _data_or_file(self.user, "client-key", self.origin, self.who)
        if key is None:
            raise KubeconfigError(f"{self.who} has a client-certificate without a client-key")
        register_secret(key)
        pair = ClientCertificate(certificate, key)
        load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), pair, self.who)
        if self.user.client_certificate and self.user.client_key:
            # As client-go does; a file beside data is not read again.
            resolve = self.origin.resolve
            files = resolve(self.user.client_certificate), resolve(self.user.client_key)
            return PairFiles(*files, pair, self.who)
        return pair

    def _source(self) -> TokenSource | None:
        user = self.user
        provided = self._provided()
        if user.token_file:
            file = TokenFile(self.origin.resolve(user.token_file), user.token)
            file.header()
            return file
        if user.token:
            return Header(bearer_header(user.token, f"the token of {self.who}"))
        return provided

    def _provided(self) -> TokenSource | None:
        """Return the token of an auth provider: OpenID Connect; all others have been removed."""
        provider = self.user.auth_provider
        if provider is None:
            return None
        if provider.name != "oidc":
            removed = (
                "has been removed from Kubernetes" if provider.name in REMOVED else "is unknown"
            )
            raise KubeconfigError(
                f"{self.who} has the auth-provider {provider.name!r}, which {removed}: get a new "
                "entry with an exec plugin (gke-gcloud-auth-plugin, kubelogin)"
            )
        for needed in ("idp-issuer-url", "client-id"):
            if not provider.config.get(needed):
                raise KubeconfigError(f"the auth-provider oidc of {self.who} has no {needed}")
        token = provider.config.get("id-token", "")
        if _expiry(token) < time.time() + EXPIRY_MARGIN_S:
            raise KubeconfigError(
                f"the id-token of the auth-provider oidc of {self.who} has expired or is no JSON "
                "web token, and is not renewed here: log in again, with kubectl for instance"
            )
        return Header(bearer_header(token, f"the id-token of {self.who}"))

    def _plugin(self) -> ExecPlugin:
        assert self.user.exec is not None
        config = self.user.exec
        command = config.command
        if os.sep in command:
            command = str(self.origin.resolve(command))
        cluster_info = self._cluster_info() if config.provide_cluster_info else None
        return ExecPlugin(config, self.who, command, cluster_info, self.exec_timeout_s)

    def _cluster_info(self) -> dict[str, Any]:
        """Return the cluster in the form that an exec plugin gets."""
        cluster = self.cluster
        info: dict[str, Any] = {"server": cluster.server}
        if cluster.tls_server_name:
            info["tls-server-name"] = cluster.tls_server_name
        if cluster.insecure_skip_tls_verify:
            info["insecure-skip-tls-verify"] = True
        if self.config.authority is not None:
            encoded = base64.b64encode(self.config.authority).decode()
            info["certificate-authority-data"] = encoded
        if cluster.proxy_url:
            info["proxy-url"] = cluster.proxy_url
        extensions = {entry.name: entry.extension for entry in cluster.extensions}
        # Present even as null: plugins of client-go's own package insist on it.
        info["config"] = extensions.get(EXEC_EXTENSION)
        return info


def _expiry(token: str) -> float:
    """Return when a JSON web token expires, in seconds of the epoch; 0 if that is unknown."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (IndexError, ValueError, KeyError, TypeError):
        return 0.0
