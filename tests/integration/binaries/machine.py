"""A user's machine with nothing on it."""

import os

from bench.cluster.binaries import resolve
from bench.cluster.binaries.archive import INDEX_VARIABLE
from tests.integration.binaries.stand_ins import TARGET


class Machine:
    """A user's machine as the resolver sees it: its environment and the messages it got."""

    def __init__(self, home, index):
        self.home = home
        self.messages = []
        self.env = {
            "HOME": str(home),
            "PATH": f"{home}/bin:/usr/bin:/bin",
            "XDG_CACHE_HOME": str(home / "cache"),
            INDEX_VARIABLE: index,
            # a network that refuses: nothing listens on this port
            "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_RETRIES": "0",
            "GOPROXY": "off",
        }

    @property
    def entries(self):
        return self.home / "cache" / "informer-bench" / "binaries"

    @property
    def entry(self):
        return self.entries / f"1.37.2-{TARGET}"

    @property
    def words(self):
        return "\n".join(self.messages)

    def resolve(self, **options):
        return resolve(env=self.env, say=self.messages.append, **options)
