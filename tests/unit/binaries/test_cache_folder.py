"""Folder of our cache."""

from pathlib import Path

import pytest

from bench.supervision.user_cache import default_folder


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({"HOME": "/home/a"}, "/home/a/.cache/informer-bench"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": "/c"}, "/c/informer-bench"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": ""}, "/home/a/.cache/informer-bench"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": "relative"}, "/home/a/.cache/informer-bench"),
    ],
)
def test_the_cache_is_in_the_users_cache_folder(env, folder):
    assert Path(folder) == default_folder(env)
