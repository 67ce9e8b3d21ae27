"""Exit codes shared by the verbs, and the failures reported in one line."""

OK = 0
FAILED = 1
USAGE = 2


def is_usage(error: Exception) -> bool:
    """Return whether an expected failure is one of the arguments: an unknown run."""
    from bench.store import UnknownRunError

    return isinstance(error, UnknownRunError)


def expected() -> tuple[type[Exception], ...]:
    """Return the errors to report in one line. Any other error is a bug: a traceback."""
    # here, because only a failure need wait for these imports
    from bench.cluster.api import ApiError, ApiUnreachableError
    from bench.cluster.binaries import BinariesUnavailable
    from bench.cluster.existing.errors import ClusterError
    from bench.run.loop import RunEndedEarlyError
    from bench.sites.provenance import BrokenEnvironmentError
    from bench.store import StoreError
    from bench.supervision.process import ProcessFailed
    from bench.supervision.rpc import RpcTimeoutError
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
        RpcTimeoutError,
        RunEndedEarlyError,
        ServerError,
        StoreError,
        WatchdogLost,
        OSError,
    )
