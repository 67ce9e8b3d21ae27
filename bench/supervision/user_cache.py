"""The user's cache folder of this project."""

from collections.abc import Mapping
from pathlib import Path


def default_folder(env: Mapping[str, str]) -> Path:
    """Return ``$XDG_CACHE_HOME/informer-bench``, below ``~/.cache`` without the variable.

    A relative value counts as unset, as the XDG base directory specification requires.
    """
    cache_home = Path(env.get("XDG_CACHE_HOME", ""))
    if not cache_home.is_absolute():
        cache_home = Path(env.get("HOME", "~")).expanduser() / ".cache"
    return cache_home / "informer-bench"
