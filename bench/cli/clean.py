"""``bench clean``: clean up after killed runs, here and on an existing cluster."""

import argparse

from bench.cli.existing import add_context, agreed, named_context
from bench.cli.exits import FAILED, OK
from bench.cluster.existing.access import open_access
from bench.sites.cleanup import check_rights, clean, find
from bench.supervision.journal import clean_up_after_others
from bench.supervision.progress import Progress


def register(parser: argparse.ArgumentParser) -> None:
    """Add the verb's arguments."""
    parser.description = (
        "End the processes and remove the temporary folders of harnesses that were killed on this "
        "machine together with their watchdogs. With --context also find the namespaces that this "
        "user created with this project on that cluster, and remove those whose run has ended: "
        "started on this machine and no longer running, or expired. Nothing else is changed."
    )
    add_context(parser)
    parser.add_argument(
        "--namespace",
        metavar="N",
        help="look only in this namespace, which an admin handed over",
    )
    parser.add_argument(
        "--unexpired",
        action="store_true",
        help="also unexpired namespaces of other machines; make sure that no run uses them",
    )
    parser.set_defaults(command=_clean)


def _clean(options: argparse.Namespace, progress: Progress) -> int:
    of_cluster = (options.namespace, options.unexpired, options.yes, options.kubeconfig)
    is_here = options.context is None and not any(of_cluster)
    named = None if is_here else named_context(options)
    clean_up_after_others(progress.say)
    if named is None:
        progress.say("nothing of a killed harness is left on this machine")
        return OK
    access = open_access(*named)
    progress.say(f"Existing cluster: context {access.context!r}, API server {access.server}")
    access.version()
    check_rights(access, options.namespace)
    user = access.user()
    leftovers = find(
        access.api, unexpired=options.unexpired, user=user, handed_over=options.namespace
    )
    if not leftovers:
        progress.say("nothing of this project is there: nothing to clean")
        return OK
    for leftover in leftovers:
        action = "remove" if leftover.removable else "keep  "
        progress.say(f"  {action}  {leftover.namespace.name}: {leftover.reason}")
    removable = [leftover for leftover in leftovers if leftover.removable]
    if not removable:
        return OK
    if not agreed(f"Remove {len(removable)} of these {len(leftovers)}?", options, progress):
        progress.say("nothing was removed")
        return FAILED
    return OK if clean(access.api, removable, progress.say, user) else FAILED
