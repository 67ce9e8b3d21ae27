"""Exit codes that verbs share, and the failures that are told in words."""

from bench.cluster.api import ApiError, ApiUnreachableError
from bench.cluster.binaries import BinariesUnavailable
from bench.cluster.existing.errors import ClusterError
from bench.kinds import ServerError
from bench.run import RunEndedEarlyError
from bench.store import StoreError
from bench.supervision.process import ProcessFailed

OK = 0
FAILED = 1
USAGE = 2

EXPECTED = (
    ApiError,
    ApiUnreachableError,
    BinariesUnavailable,
    ClusterError,
    ProcessFailed,
    RunEndedEarlyError,
    ServerError,
    StoreError,
    OSError,
)
"""Failures of the world around: told in words. Anything else is a fault of ours: a traceback."""
