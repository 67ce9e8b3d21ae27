"""Redaction of texts that results keep: no secrets, addresses, host names and paths.

Logs and error messages go into results as the reason of a failure. A reader of the
result should learn what failed, but not where and under which account it ran.
"""

import re
import socket
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import bench
from kube_informer import redaction

_URL = re.compile(r"\b(https?|wss?)://[^/\s'\"<>)\]]+")
_ADDRESS = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![\w.]\d)|\[[0-9a-f:]*::[0-9a-f:]*\](?::\d+)?"
)


def redact(text: str, *, host: str | None = None, private: Iterable[str] = ()) -> str:
    """Return ``text`` with each private part replaced by its kind in angle brackets.

    Secrets are removed as :func:`kube_informer.redaction.redact` does.

    ``host`` is this machine's name by default; ``localhost``, which every machine has,
    stays. ``private`` are further names to replace, such as those of an existing cluster.
    """
    text = redaction.redact(text)
    text = _URL.sub(r"\1://<address>", text)
    text = _ADDRESS.sub("<address>", text)
    for folder in _folders():
        text = text.replace(folder, "<folder>")
    name = socket.gethostname() if host is None else host
    if name and name != "localhost":
        text = _replace_name(text, name, "<host>")
    for word in sorted(filter(None, private), key=len, reverse=True):
        text = _replace_name(text, word, "<private>")
    return text


def _replace_name(text: str, name: str, replacement: str) -> str:
    return re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", replacement, text)


def _folders() -> list[str]:
    """Return folders that identify this machine, the longest first; ``/`` does not."""
    private = {
        str(Path.home()),
        tempfile.gettempdir(),
        str(Path(bench.__file__).parents[1]),
        sys.prefix,
        sys.base_prefix,
    }
    return sorted((folder for folder in private if len(folder) > 1), key=len, reverse=True)
