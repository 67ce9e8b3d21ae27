"""Kubeconfig files: found, read and merged by client-go's rules.

Source of the rules: ``k8s.io/client-go/tools/clientcmd`` (loader, validation). All
contexts but the chosen one are checked for their types alone. The types of a file are
here; :mod:`kube_informer.client_config` interprets a context's user and cluster.
"""

import difflib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import yaml

from kube_informer.errors import KubeconfigError

ENVIRONMENT = "KUBECONFIG"
OTHER_FILE = (
    f"name a kubeconfig by its path (on a command line with --kubeconfig) or by {ENVIRONMENT}"
)
OTHER_CONTEXT = "name one, on a command line with --context"
"""Remedies, for programs that call this library and for the users of such programs."""
LISTED = 20
"""The most names that a message lists."""

_SPECIAL = {"token_file": "tokenFile", "as_": "as"}


def _key(field: str) -> str:
    """Return a field's key: ``kebab-case``, with a few exceptions."""
    return _SPECIAL.get(field, field.replace("_", "-"))


class Extension(msgspec.Struct, frozen=True):
    """A named entry that another program reads."""

    name: str = ""
    extension: Any = None


class Cluster(msgspec.Struct, frozen=True, rename=_key):
    """The address of an API server, and how to trust it."""

    server: str = ""
    certificate_authority: str = ""
    certificate_authority_data: str = ""
    insecure_skip_tls_verify: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""
    disable_compression: bool = False
    extensions: list[Extension] = []


class Variable(msgspec.Struct, frozen=True):
    """A variable in the environment of an exec plugin."""

    name: str = ""
    value: str = ""


class ExecConfig(msgspec.Struct, frozen=True, rename="camel"):
    """A program that prints credentials."""

    command: str = ""
    args: list[str] = []
    env: list[Variable] = []
    api_version: str = ""
    install_hint: str = ""
    provide_cluster_info: bool = False
    interactive_mode: str = ""


class AuthProvider(msgspec.Struct, frozen=True):
    """A plugin of the client library itself, as old kubeconfigs have it."""

    name: str = ""
    config: dict[str, str] = {}


class User(msgspec.Struct, frozen=True, rename=_key):
    """The identity at the API server."""

    client_certificate: str = ""
    client_certificate_data: str = ""
    client_key: str = ""
    client_key_data: str = ""
    token: str = ""
    token_file: str = ""
    as_: str = ""
    as_uid: str = ""
    as_groups: list[str] = []
    as_user_extra: dict[str, list[str]] = {}
    username: str = ""
    password: str = ""
    auth_provider: AuthProvider | None = None
    exec: ExecConfig | None = None


class Context(msgspec.Struct, frozen=True):
    """A cluster and a user by their names."""

    cluster: str = ""
    user: str = ""
    namespace: str = ""


class _Named(msgspec.Struct, frozen=True):
    name: str = ""
    cluster: Cluster = Cluster()
    user: User = User()
    context: Context = Context()


class _Document(msgspec.Struct, frozen=True, rename=_key):
    clusters: list[_Named] = []
    users: list[_Named] = []
    contexts: list[_Named] = []
    current_context: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """The file of an entry; relative paths in the entry are relative to the file's folder."""

    file: Path

    def resolve(self, path: str) -> Path:
        """Return ``path`` relative to the file's folder."""
        return self.file.absolute().parent / path


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """The merged content of the files; each entry with its origin."""

    files: tuple[Path, ...]
    contexts: dict[str, tuple[Context, Origin]]
    clusters: dict[str, tuple[Cluster, Origin]]
    users: dict[str, tuple[User, Origin]]
    current_context: str

    @classmethod
    def read(cls, path: str | Path | None = None) -> "Kubeconfig":
        """Read the file at ``path``, or if it is ``None`` the files that kubectl reads.

        Those are the files in ``$KUBECONFIG`` (missing ones are skipped), or
        ``~/.kube/config``. The first file that has a name wins. Raise
        :class:`KubeconfigError` for a file that cannot be read or is no kubeconfig, and
        for a ``path`` that does not exist.
        """
        candidates = default_files() if path is None else [Path(path).expanduser()]
        files = [file for file in candidates if path is not None or file.exists()]
        documents = [(_read(file), Origin(file)) for file in files]
        return cls(
            tuple(candidates),
            _merged(documents, "context"),
            _merged(documents, "cluster"),
            _merged(documents, "user"),
            next((d.current_context for d, _ in documents if d.current_context), ""),
        )

    @property
    def is_empty(self) -> bool:
        """Whether the files have no content."""
        return not (self.contexts or self.clusters or self.users or self.current_context)

    def __str__(self) -> str:
        """Return the names of the files, for messages."""
        return os.pathsep.join(map(str, self.files))

    def choose(self, context: str | None = None, preferred: str | None = None) -> str:
        """Return ``context`` if given, else ``preferred`` if there is one, else the current one.

        Raise :class:`KubeconfigError` if there is no such context, or no choice.
        """
        if not any(file.exists() for file in self.files):
            raise KubeconfigError(f"there is no {self}; {OTHER_FILE}")
        if not self.contexts:
            raise KubeconfigError(f"{self} is not a kubeconfig: it has no contexts; {OTHER_FILE}")
        name = context or (preferred if preferred in self.contexts else self.current_context)
        if not name:
            raise KubeconfigError(
                f"{self} has no current context; {OTHER_CONTEXT} "
                f"(there are: {listed(list(self.contexts))})"
            )
        if name not in self.contexts:
            similar = difflib.get_close_matches(name, self.contexts, n=1, cutoff=0.7)
            hint = f"; did you mean {similar[0]!r}?" if similar else ""
            raise KubeconfigError(
                f"{self} has no context {name!r}{hint} "
                f"(there are: {listed(list(self.contexts))}); {OTHER_CONTEXT}"
            )
        return name


def default_files() -> list[Path]:
    """Return the files that kubectl reads: those in ``$KUBECONFIG``, else ``~/.kube/config``."""
    paths = os.environ.get(ENVIRONMENT)
    if not paths:
        return [Path.home() / ".kube" / "config"]
    return [Path(name).expanduser() for name in dict.fromkeys(paths.split(os.pathsep)) if name]


def listed(names: Sequence[str]) -> str:
    """Return names for a message: the first ``LISTED``, or "none"."""
    more = len(names) - LISTED
    return (", ".join(names[:LISTED]) or "none") + (f", and {more} more" if more > 0 else "")


def _merged(documents: list[tuple[_Document, Origin]], kind: str) -> dict[str, tuple[Any, Origin]]:
    """Return the entries of a kind by name, each from the first file that has it."""
    merged: dict[str, tuple[Any, Origin]] = {}
    for document, origin in documents:
        names: set[str] = set()
        for entry in getattr(document, f"{kind}s"):
            if entry.name in names:
                raise KubeconfigError(
                    f"{origin.file} has two {kind}s named {entry.name!r}; rename or delete one"
                )
            names.add(entry.name)
            merged.setdefault(entry.name, (getattr(entry, kind), origin))
    return merged


def _read(file: Path) -> _Document:
    try:
        document = _parse(file.read_bytes())
        # Kubernetes reads null as "not there", for a list and for a word alike.
        return msgspec.convert(_without_nulls(document) or {}, _Document)
    except OSError as error:
        raise KubeconfigError(
            f"cannot read {file}: {error.strerror or type(error).__name__}; give a kubeconfig "
            "that can be read (on a command line with --kubeconfig)"
        ) from error
    except yaml.YAMLError as error:
        # PyYAML's own text quotes the line, which may hold a secret.
        raise KubeconfigError(f"{file} is not a kubeconfig: not YAML, {_where(error)}") from None
    except (UnicodeError, RecursionError) as error:
        raise KubeconfigError(f"{file} is not a kubeconfig: {type(error).__name__}") from None
    except msgspec.ValidationError as error:
        raise KubeconfigError(f"{file} is not a kubeconfig: {error}") from None


class _Loader(yaml.SafeLoader):
    """YAML as Kubernetes reads it: dates are strings."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the base class's own attribute
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _parse(content: bytes) -> Any:  # noqa: ANN401 - YAML of any shape
    if content.lstrip().startswith(b"{"):
        try:
            return json.loads(content)  # JSON may be indented by tabs, which YAML refuses
        except ValueError:
            pass
    return next(yaml.load_all(content, _Loader), None)


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    position = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "at its start"
    problem = re.sub(r"'[^']*'|\"[^\"]*\"|#x\w+", "...", getattr(error, "problem", None) or "")
    return f"{position}: {problem}" if problem else position


def _without_nulls(value: Any) -> Any:  # noqa: ANN401 - YAML of any shape
    if isinstance(value, dict):
        cleaned = {name: _without_nulls(item) for name, item in value.items()}
        return {name: item for name, item in cleaned.items() if item is not None}
    if isinstance(value, list):
        return [{} if item is None else _without_nulls(item) for item in value]
    if isinstance(value, bytes):  # !!binary: the decoded text, sometimes base64 itself
        return value.decode()
    return value
