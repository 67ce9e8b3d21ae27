"""Exit codes that verbs share, and the failures that are reported in one line."""

OK = 0
FAILED = 1
USAGE = 2


def is_usage(error: Exception) -> bool:
    """Whether an expected failure is of the arguments: a run that is not there."""
    from bench.store import UnknownRunError

    return isinstance(error, UnknownRunError)


def expected() -> tuple[type[Exception], ...]:
    """Return the failures of the world around: told in words. Any other is ours: a traceback."""
    # here, because only who has met a failure need wait for the rooms that these come from
    from bench.cluster.api import ApiError, ApiUnreachableError
    from bench.cluster.binaries import BinariesUnavailable
    from bench.cluster.existing.errors import ClusterError
    from bench.run.loop import RunEndedEarlyError
    from bench.sites.provenance import BrokenEnvironmentError
    from bench.store import StoreError
    from bench.supervision.process import ProcessFailed
    from bench.supervision.watchdog import WatchdogLost
    from bench.sut.registry import ServerError
    from bench.top.dump import DumpError
    from kube_informer.errors import CredentialsError

    return (
        ApiError,
        ApiUnreachableError,
        BinariesUnavailable,
        BrokenEnvironmentError,
        ClusterError,
        CredentialsError,
        DumpError,
        ProcessFailed,
        RunEndedEarlyError,
        ServerError,
        StoreError,
        WatchdogLost,
        OSError,
    )
