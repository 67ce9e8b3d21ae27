"""The error for an account that lacks rights, with the YAML that grants them. Pure."""

from collections.abc import Sequence

from bench.cluster.existing.access import Access
from bench.cluster.existing.errors import ClusterError
from bench.cluster.existing.rights import OPTIONAL, Right, as_yaml, in_words


def missing_rights_error(
    access: Access, lacking: Sequence[Right], user: str | None, handed_over: str | None = None
) -> ClusterError:
    """Return the error that tells ``user`` of the rights that are lacking, some of them needed.

    With what grants all rights: in the namespace ``handed_over``, or in one that a run makes.
    """
    required = in_words([right for right in lacking if right.target not in OPTIONAL])
    spared = in_words([right for right in lacking if right.target in OPTIONAL])
    listed = "\n  ".join(required)
    optional = f"It grants what can be done without, too: {', '.join(spared)}. " if spared else ""
    other = (
        "An admin can also hand over a namespace (--namespace), where no right to make namespaces "
        "or roles elsewhere is needed: part 2b of that file"
        if handed_over is None
        else "A run can also make a namespace of its own: part 2a of that file"
    )
    return ClusterError(
        f"context {access.context!r} lacks rights on this cluster:\n  {listed}\n"
        f"Somebody who may grant them can apply this (kubectl apply -f FILE). {optional}All "
        f"that is needed, with reasons: bench/cluster/manifests/existing-cluster-rbac.yaml. {other}"
        f"\n\n{as_yaml(user, handed_over)}"
    )
