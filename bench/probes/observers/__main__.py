"""An observer's process: ``python -m bench.probes.observers NAME``.

Orders are JSON lines on standard input, answers JSON lines on standard output: ``resume`` with
the server under test (null: there is none) and the seed, ``pause``; end of input ends it.
"""

from bench.cluster.child_rpc import Figures, Order, account_parser, client_config_of, serve
from bench.cluster.placement import add_placement, placement_of
from bench.probes.observers import load, names


def main() -> None:
    """Handler orders until standard input ends."""
    parser = account_parser("bench.probes.observers", __doc__)
    parser.add_argument("name", choices=names())
    add_placement(parser)
    arguments = parser.parse_args()
    observer = load(arguments.name)(client_config_of(arguments), placement_of(arguments))

    def resume(order: Order) -> tuple[str, Figures]:
        observer.resume(order["server"], order["seed"])
        return "resumed", {}

    serve({"resume": resume, "pause": lambda _: ("paused", observer.pause())})


if __name__ == "__main__":
    main()
