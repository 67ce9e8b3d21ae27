"""A control plane that stands for an existing cluster, with others' objects and accounts."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from bench.cluster.api import Api, ApiError
from bench.cluster.certificates import Authority
from bench.cluster.control_plane import ControlPlane
from bench.cluster.existing.rights import (
    CLUSTER_ROLE,
    FORM,
    NAMESPACE_ROLE,
    OPTIONAL,
    RBAC,
    as_yaml,
    documented,
)
from bench.cluster.identities import ADMIN, write_token

CONTEXT = "staging-eu-1"
"""A name that must not appear in results."""
PEOPLE = "people"
HANDED_OVER = "for-benchmarks"
"""A namespace that the cluster's admin handed over to one of the people, ``tenant``."""
CONFUSING = ("informer-bench-old", "informer-bench-0", "informer-bencher")
"""Namespaces of others whose names look like ours."""

PERSONS = ("guest", "tenant", "frugal", "nobody")

Objects = dict[tuple[str, str], str]


class ForeignCluster:
    """An existing cluster. ``kubeconfig`` has a context for each of people with unlike rights."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self.plane = plane
        self.admin = plane.api(ADMIN)
        self.kubeconfig = folder / "theirs.kubeconfig"
        self._folder = folder
        self._populate()
        for name in PERSONS:
            self._post(f"namespaces/{PEOPLE}/serviceaccounts", {"name": name})
            write_token(self.admin, name, self._folder / name, namespace=PEOPLE)
        # by the unchanged file, by the printed text, and by a role of the cluster's own
        text = yaml.safe_dump_all(documented()).replace("YOUR-USER", user_of("guest"))
        parts = yaml.safe_load_all(text)
        self.apply(part for part in parts if _form(part) != "handed-over")
        self.apply(yaml.safe_load_all(as_yaml(user_of("tenant"), HANDED_OVER)))
        self._post(f"namespaces/{HANDED_OVER}/configmaps", {"name": "theirs"}, data={"a": "b"})
        self.apply(everywhere("frugal", _required(), "frugal"))
        self._write_kubeconfig()
        self._lists = self._list_paths()

    def objects(self) -> Objects:
        """Return every object that can be listed, as text, by the path of its list and its name.

        Objects that the API server itself renews are left out.
        """
        texts: Objects = {}
        for path in self._lists:
            for item in self.admin.get(path)["items"]:
                metadata = item["metadata"]
                name = f"{metadata.get('namespace', '')}/{metadata['name']}"
                if not _renewed(path, metadata):
                    texts[path, name] = json.dumps(item, sort_keys=True)
        return texts

    def namespaces(self) -> set[str]:
        """Return the names of all namespaces."""
        return {item["metadata"]["name"] for item in self.admin.get("/api/v1/namespaces")["items"]}

    def _list_paths(self) -> list[str]:
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
                metadata = {"name": f"web-{number}", "labels": {"app": "web"}}
                self._post(f"{folder}/pods", metadata, spec={**pod, "nodeName": "node-1"})

    def apply(self, parts: Iterable[dict[str, Any]]) -> list[str]:
        """Create the objects, as kubectl would; return the paths of those that are new."""
        created = []
        for part in parts:
            metadata = part["metadata"]
            root = "/api/v1" if part["apiVersion"] == "v1" else f"/apis/{part['apiVersion']}"
            within = f"namespaces/{metadata['namespace']}/" if "namespace" in metadata else ""
            path = f"{root}/{within}{part['kind'].lower()}s"
            try:
                self.admin.post(path, part)
            except ApiError as error:
                existing = self.admin.get(f"{path}/{metadata['name']}")
                if error.reason != "AlreadyExists" or existing["rules"] != part["rules"]:
                    raise
                continue
            created.append(f"{path}/{metadata['name']}")
        return created

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
            name: {"token": (self._folder / name).read_text()} for name in PERSONS
        }
        users["expired"] = {"token": "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl"}
        plugin = {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}
        users["plugin"] = {"exec": {**plugin, "command": "false"}}
        # of an old login plugin, which no longer gives credentials
        users["unknown"] = {"auth-provider": {"name": "oidc"}}
        contexts = {CONTEXT: ("theirs", "guest")}
        contexts |= {name: ("theirs", name) for name in users}
        contexts |= {name: (name, "guest") for name in clusters if name != "theirs"}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": entry} for name, entry in clusters.items()],
            "users": [{"name": name, "user": entry} for name, entry in users.items()],
            "contexts": [
                {"name": name, "context": {"cluster": cluster, "user": user}}
                for name, (cluster, user) in contexts.items()
            ],
            # a context that is not named must never be used
            "current-context": CONTEXT,
        }
        self.kubeconfig.write_text(yaml.safe_dump(document))

    def _post(self, path: str, metadata: dict[str, Any], **more: Any) -> None:
        self.admin.post(f"/api/v1/{path}", {"metadata": metadata, **more})


def user_of(name: str) -> str:
    """Return the user name of one of the people."""
    return f"system:serviceaccount:{PEOPLE}:{name}"


def _form(part: dict[str, Any]) -> str | None:
    return part["metadata"].get("labels", {}).get(FORM)


def _required() -> list[dict[str, Any]]:
    """Return the rules of all required rights and of no optional one."""
    return [
        rule
        for part in documented()
        if part["metadata"]["name"] in (CLUSTER_ROLE, NAMESPACE_ROLE)
        for rule in part.get("rules", ())
        if not OPTIONAL.keys() & {*rule["resources"]} and rule["resources"] != ["clusterroles"]
    ]


def everywhere(person: str, rules: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Return the role ``name`` and its binding to one of the people, on the whole cluster."""
    subject = {"kind": "ServiceAccount", "namespace": PEOPLE, "name": person}
    base: dict[str, Any] = {"apiVersion": f"{RBAC}/v1", "metadata": {"name": name}}
    role_ref = {"apiGroup": RBAC, "kind": "ClusterRole", "name": name}
    binding = {"kind": "ClusterRoleBinding", "roleRef": role_ref, "subjects": [subject]}
    return [{**base, "kind": "ClusterRole", "rules": rules}, {**base, **binding}]


def delete_quietly(api: Api, path: str) -> None:
    """Delete an object that may not exist."""
    try:
        api.delete(path)
    except ApiError as error:
        if error.reason != "NotFound":
            raise


def _renewed(path: str, metadata: dict[str, Any]) -> bool:
    """Return whether the API server itself writes the object now and then, such as its leases."""
    ours = path.endswith("/leases") and metadata["name"].startswith("apiserver-")
    tracking = metadata["name"] == "kube-apiserver-legacy-service-account-token-tracking"
    return ours or tracking
