"""A control plane that plays somebody's cluster: their objects in it, their accounts on it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from bench.cluster.api import Api, ApiError
from bench.cluster.certificates import Authority
from bench.cluster.control_plane import ControlPlane
from bench.cluster.existing.rights import OPTIONAL, documented
from bench.cluster.identities import ADMIN, write_token

CONTEXT = "staging-eu-1"
"""A name that must not turn up in results."""
PEOPLE = "people"
CONFUSING = ("informer-bench-old", "informer-bench-0", "informer-bencher")
"""Namespaces of others whose names look like ours."""

Objects = dict[tuple[str, str], str]


class ForeignCluster:
    """Theirs. ``kubeconfig`` has a context for each of several people of unlike rights."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self.plane = plane
        self.admin = plane.api(ADMIN)
        self.kubeconfig = folder / "theirs.kubeconfig"
        self._folder = folder
        self._populate()
        self._account("guest", self._documented("guest"))
        self._account("frugal", self._documented("frugal", without=OPTIONAL))
        self._account("nobody", ())
        self._write_kubeconfig()

    def objects(self) -> Objects:
        """Return every object that can be listed, as text, by where it is listed and its name.

        Without what the API server renews by itself, whoever else is there.
        """
        found: Objects = {}
        for path in self._lists():
            for item in self.admin.get(path)["items"]:
                head = item["metadata"]
                name = f"{head.get('namespace', '')}/{head['name']}"
                if not _renewed(path, head):
                    found[path, name] = json.dumps(item, sort_keys=True)
        return found

    def namespaces(self) -> set[str]:
        """Return the names of all namespaces."""
        return {one["metadata"]["name"] for one in self.admin.get("/api/v1/namespaces")["items"]}

    def _lists(self) -> list[str]:
        groups = ["/api/v1"]
        groups += [
            f"/apis/{group['preferredVersion']['groupVersion']}"
            for group in self.admin.get("/apis")["groups"]
        ]
        return [
            f"{group}/{kind['name']}"
            for group in groups
            for kind in self.admin.get(group)["resources"]
            if "list" in kind["verbs"]
        ]

    def _populate(self) -> None:
        labels = {
            # marked as managed by us, but no run of ours: not found by its labels alone
            CONFUSING[0]: {"app.kubernetes.io/managed-by": "informer-bench"},
            CONFUSING[1]: {"app.kubernetes.io/managed-by": "Helm", "informer-bench/run": "1-ab"},
        }
        for namespace in (*CONFUSING, "shop", PEOPLE):
            self._post("namespaces", {"name": namespace, "labels": labels.get(namespace, {})})
            folder = f"namespaces/{namespace}"
            self._post(f"{folder}/serviceaccounts", {"name": "default"})
            self._post(f"{folder}/configmaps", {"name": "theirs"}, data={"a": "b"})
            for number in range(3):
                pod = {"containers": [{"name": "web", "image": "registry.example.com/shop/web"}]}
                head = {"name": f"web-{number}", "labels": {"app": "web"}}
                self._post(f"{folder}/pods", head, spec={**pod, "nodeName": "node-1"})

    def _documented(self, name: str, without: Iterable[str] = ()) -> tuple[dict[str, Any], ...]:
        text = documented().replace("YOUR-USER", f"system:serviceaccount:{PEOPLE}:{name}")
        role, binding = yaml.safe_load_all(text)
        left_out = set(without)
        role["rules"] = [
            rule
            for rule in role["rules"]
            if not left_out & {*rule.get("resources", ()), *rule.get("nonResourceURLs", ())}
        ]
        for part in (role, binding):
            part["metadata"]["name"] = f"{name}-informer-bench"
        binding["roleRef"]["name"] = role["metadata"]["name"]
        return role, binding

    def _account(self, name: str, manifests: Iterable[dict[str, Any]]) -> None:
        self._post(f"namespaces/{PEOPLE}/serviceaccounts", {"name": name})
        for part in manifests:
            kind = part["kind"].lower() + "s"
            self.admin.post(f"/apis/rbac.authorization.k8s.io/v1/{kind}", part)
        write_token(self.admin, name, self._folder / name, namespace=PEOPLE)

    def _write_kubeconfig(self) -> None:
        authority = str(self.plane.folder / "ca.crt")
        verified = {"server": self.plane.url, "certificate-authority": authority}
        another = self._folder / "another"
        another.mkdir()
        Authority(another)
        clusters = {
            "theirs": verified,
            "away": {**verified, "server": "https://127.0.0.1:9"},
            "unverified": {"server": self.plane.url, "insecure-skip-tls-verify": True},
            "plain": {"server": "http://127.0.0.1:9"},
            "proxied": {**verified, "proxy-url": "http://127.0.0.1:9"},
            "stranger": {**verified, "certificate-authority": str(another / "ca.crt")},
            "renamed": {**verified, "tls-server-name": "other.example.com"},
            "speechless": {
                **verified,
                "server": self.plane.etcd_url.replace("http://", "https://"),
            },
        }
        users: dict[str, dict[str, Any]] = {
            name: {"token": (self._folder / name).read_text()}
            for name in ("guest", "frugal", "nobody")
        }
        users["expired"] = {"token": "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl"}
        plugin = {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}
        users["plugin"] = {"exec": {**plugin, "command": "false"}}
        # of a login plugin of old, which gives nothing any more
        users["unknown"] = {"auth-provider": {"name": "oidc"}}
        contexts = {CONTEXT: ("theirs", "guest")}
        contexts |= {name: ("theirs", name) for name in users}
        contexts |= {name: (name, "guest") for name in clusters if name != "theirs"}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": one} for name, one in clusters.items()],
            "users": [{"name": name, "user": one} for name, one in users.items()],
            "contexts": [
                {"name": name, "context": {"cluster": cluster, "user": user}}
                for name, (cluster, user) in contexts.items()
            ],
            # what nobody named must never be used
            "current-context": CONTEXT,
        }
        self.kubeconfig.write_text(yaml.safe_dump(document))

    def _post(self, path: str, head: dict[str, Any], **more: Any) -> None:
        self.admin.post(f"/api/v1/{path}", {"metadata": head, **more})


def delete_quietly(api: Api, path: str) -> None:
    """Delete what may be there."""
    try:
        api.delete(path)
    except ApiError as error:
        if error.reason != "NotFound":
            raise


def _renewed(path: str, head: dict[str, Any]) -> bool:
    """Whether the API server itself writes the object now and then: its leases, its masters."""
    ours = path.endswith("/leases") and head["name"].startswith("apiserver-")
    tracking = head["name"] == "kube-apiserver-legacy-service-account-token-tracking"
    return ours or tracking
