"""The arguments of our own in Locust's form and on its command line.

A default of ``None`` would come back from the form as a string, so none has it.
"""

from locust.argument_parser import LocustArgumentParser

from bench.load.routes import names
from bench.load.webui.classes import SERVERS
from bench.load.webui.form import OF_THE_CLASS
from bench.model import Arrivals


def add_arguments(parser: LocustArgumentParser) -> None:
    """Add them to Locust's parser."""
    for server in SERVERS:
        parser.add_argument(
            f"--{server}",
            default="",
            metavar="URL",
            include_in_web_ui=False,
            help=f"where the {server} server listens; a worker is told by the master",
        )
    parser.add_argument(
        "--targets",
        default="",
        metavar="FILE",
        include_in_web_ui=False,
        help="what may be asked for (JSON); where it is not, the informer is asked for its pods",
    )
    parser.add_argument(
        "--route",
        choices=[OF_THE_CLASS, *names()],
        default=OF_THE_CLASS,
        help="what is asked for: what the chosen classes are named after, or this for all of them",
    )
    parser.add_argument(
        "--namespace", default="", help="only pods of this namespace; empty: as the route says"
    )
    parser.add_argument(
        "--selector", default="", help="a label selector, such as app=web; empty: as the route says"
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=0.0,
        help="arrivals a second of each class, whatever comes of them; 0: ask again when answered",
    )
    parser.add_argument(
        "--arrivals",
        choices=[each.value for each in Arrivals],
        default=Arrivals.CONSTANT.value,
        help="with a rate: how starts are spaced",
    )
    parser.add_argument(
        "--outstanding", type=int, default=100, help="with a rate: most requests under way"
    )
    parser.add_argument("--timeout-s", type=float, default=30.0, help="of each request, in seconds")
    parser.add_argument("--seed", type=int, default=0, help="of route choices and arrivals")
