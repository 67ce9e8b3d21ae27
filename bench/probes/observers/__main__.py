"""An observer's process: ``python -m bench.probes.observers ACCOUNT NAME``.

Orders are JSON lines on standard input, answers JSON lines on standard output: ``resume`` with
the server under test (null: there is none) and the seed, ``pause``; end of input ends it.
"""

import sys

from bench.cluster.child_rpc import Account, Figures, Order, serve
from bench.probes.observers import load


def main() -> None:
    """Handle orders until standard input ends."""
    account = Account.read()
    observer = load(sys.argv[2])(account.config(), account.placement)

    def resume(order: Order) -> tuple[str, Figures]:
        observer.resume(order["server"], order["seed"])
        return "resumed", {}

    serve({"resume": resume, "pause": lambda _: ("paused", observer.pause())})


if __name__ == "__main__":
    main()
