"""``bench top``: show the current clients of an API server, without an audit log."""

import argparse
import random
import sys
import time

from bench.cli.arguments import add_language, number
from bench.cli.existing import add_context, named_context
from bench.cli.exits import FAILED, OK
from bench.supervision.progress import Progress
from bench.supervision.signals import Interrupted

DEFAULT_S = 60.0
REFRESH_S = 1.0
EPILOG = """\
Reads up to five times per second the requests that the API server is executing, as its flow
control lists them (/debug/api_priority_and_fairness/dump_requests), at no more than a hundredth of
a processor. Changes nothing. Ctrl-C or SIGTERM ends it early, and prints the samples so far.
"""


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add_context(parser, asks=False)
    parser.add_argument(
        "--for",
        dest="for_s",
        type=number(1, 86_400),
        default=DEFAULT_S,
        metavar="SECONDS",
        help="time of sampling (%(default)g)",
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON at the end")
    add_language(parser)
    parser.set_defaults(command=_top)


def _top(options: argparse.Namespace, progress: Progress) -> int:
    # here, because the report's forms take a moment that other commands need not wait for
    from bench.cluster.api import ApiError, ApiUnreachableError
    from bench.cluster.existing.access import open_access
    from bench.report.language import spoken
    from bench.report.text import show, to_terminal
    from bench.top.access import api_servers, check_access, trip_s
    from bench.top.document import to_json, top_document
    from bench.top.sampling import Samples, sample

    access = open_access(*named_context(options))
    version = access.version()
    check_access(access)
    servers = api_servers(access.api)
    progress.say(f"context {access.context!r}: Kubernetes {version} at {access.server}")
    samples, code = Samples(), OK
    begin = shown_at = time.monotonic()
    try:
        for _ in sample(access.api, samples, options.for_s, random.Random(), trip_s(access.config)):
            now = time.monotonic()
            progress.move("sampling", min(1.0, (now - begin) / options.for_s))
            if progress.draws and now - shown_at >= REFRESH_S:
                document = spoken(top_document(samples, servers), options.lang)
                progress.show(to_terminal(document), ())
                shown_at = now
    except (ApiError, ApiUnreachableError, Interrupted) as error:
        if not samples.taken:
            raise
        if not isinstance(error, Interrupted):
            progress.say(f"ended early: {error}")
            code = FAILED
    progress.stop()
    if options.json:
        sys.stdout.buffer.write(to_json(samples, servers))
    else:
        show(spoken(top_document(samples, servers), options.lang))
    return code
