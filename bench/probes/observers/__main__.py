"""An observer's process: ``python -m bench.probes.observers ACCOUNT NAME``."""

import sys

from bench.cluster.child_rpc import Account, serve
from bench.probes.observers import load


def main() -> None:
    """Handle commands until standard input ends."""
    account = Account.read()
    observer = load(sys.argv[2])(account.config(), account.placement)
    serve(observer.resume, observer.pause)


if __name__ == "__main__":
    main()
