"""The error for an account that lacks rights, with the YAML that grants them. Pure."""

from collections.abc import Sequence

from bench.cluster.existing.access import Access
from bench.cluster.existing.errors import ClusterError
from bench.cluster.existing.rights import OPTIONAL, Right, as_yaml, in_words


def missing_rights_error(
    access: Access, lacking: Sequence[Right], user: str | None
) -> ClusterError:
    """Return the error that tells ``user`` of the rights that are lacking, some of them needed."""
    required = in_words([right for right in lacking if right.target not in OPTIONAL])
    spared = in_words([right for right in lacking if right.target in OPTIONAL])
    listed = "\n  ".join(required)
    optional = f"It grants what can be done without, too: {', '.join(spared)}. " if spared else ""
    return ClusterError(
        f"context {access.context!r} lacks rights on this cluster:\n  {listed}\n"
        f"Somebody who may grant them can apply this (kubectl apply -f FILE). {optional}All "
        "that is needed, with reasons: bench/cluster/manifests/existing-cluster-rbac.yaml\n\n"
        f"{as_yaml(lacking, user)}"
    )
