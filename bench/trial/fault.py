"""A fault within a trial's window: begun on time, kept up, and ended in any case."""

import threading
import time

from bench.cluster.control_plane import ControlPlane
from bench.cluster.plane import Plane
from bench.faults import Fault, FaultError, Scene, load
from bench.model import FaultRecord, Scenario
from bench.supervision.signals import deferring_signals
from bench.supervision.stoppable import Stoppable


def stage(scenario: Scenario, plane: Plane, identities: tuple[str, ...]) -> "StagedFault":
    """Schedule the scenario's fault from now on; without a fault do nothing.

    Raises ``FaultError`` on a control plane that is not ours.
    """
    if scenario.fault is None or scenario.fault_at_s is None:
        return StagedFault("", None, 0.0, 0.0)
    if not isinstance(plane, ControlPlane):
        raise FaultError(f"{scenario.fault!r} is put into a control plane of our own alone")
    fault = load(scenario.fault)(Scene(plane, identities, scenario.fault_s))
    return StagedFault(scenario.fault, fault, scenario.fault_at_s, scenario.fault_s)


class StagedFault(Stoppable):
    """A thread that begins ``fault`` ``at_s`` from now and ends it ``for_s`` later.

    ``stop`` ends the fault at any time, and returns when the API server is itself again.
    """

    def __init__(self, kind: str, fault: Fault | None, at_s: float, for_s: float) -> None:
        self._kind = kind
        self._fault = fault
        self._due = time.monotonic() + at_s
        self._for_s = for_s
        self._halt = threading.Event()
        self._began_s: float | None = None
        self._ended_s: float | None = None
        self._error: Exception | None = None
        self._thread: threading.Thread | None = None
        if fault is not None:
            self._thread = threading.Thread(target=self._run, args=(fault,), name="fault")
            self._thread.start()

    def stop(self) -> None:
        """End the fault if it has begun, else cancel it; a signal takes effect afterwards."""
        self._halt.set()
        if self._thread is not None:
            with deferring_signals():
                self._thread.join()

    def __exit__(self, *raised: object) -> None:
        """Stop; raise the fault's error, unless the block raised an error."""
        self.stop()
        if self._error is not None and not any(raised):
            raise self._error

    def record(self, window_begin_us: int) -> FaultRecord | None:
        """Return the record of the fault, after ``stop``; ``None``: none began."""
        if self._fault is None or self._began_s is None or self._ended_s is None:
            return None
        fault, zero_s = self._fault, window_begin_us / 1e6
        anew = fault.started_anew_s
        return FaultRecord(
            kind=self._kind,
            what=fault.what,
            begin_s=self._began_s - zero_s,
            end_s=self._ended_s - zero_s,
            started_anew_s=None if anew is None else anew - zero_s,
            note=fault.note,
        )

    def _run(self, fault: Fault) -> None:
        if self._halt.wait(max(0.0, self._due - time.monotonic())):
            return
        try:
            self._began_s = fault.begin()
            self._halt.wait(self._for_s)
        except Exception as error:  # noqa: BLE001 - raised on exit
            self._error = error
        try:
            self._ended_s = fault.end()
        except Exception as error:  # noqa: BLE001 - likewise; a control plane that is down is worse
            self._error = error
