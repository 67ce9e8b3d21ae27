"""Light freshness probe: a write every few seconds, read from each server until it shows.

The full probe of a trial writes twice a second and reads every 5 ms; beside a page
that would be a load in itself.
"""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from bench.cluster.api import Api
from bench.cluster.placement import Placement
from bench.probes.observers.freshness import Reader, create_pod

EVERY_S = 5.0
READ_EVERY_S = 0.01
BOUND_S = 5.0
"""The probe gives up a write that has not shown after this time."""


class LightProbe:
    """Writes its own pod as ``api``'s identity and reads it from each server."""

    def __init__(self, api: Api, placement: Placement) -> None:
        self._api = api
        self._placement = placement
        self._made = False

    def look(self, urls: Mapping[str, str]) -> Mapping[str, float | None]:
        """Write once; return the milliseconds from the acknowledgement until each server showed it.

        Each value is an upper bound: the end of the first fresh answer. ``None``: not within
        ``BOUND_S``. Raises ``ApiError``, ``ApiUnreachableError``.
        """
        if not self._made:
            create_pod(self._api, self._placement)
            self._made = True
        mark = str(time.time_ns())
        patch = {"metadata": {"annotations": {"informer-bench/written": mark}}}
        written = self._api.merge_patch(self._placement.probe_path, patch)
        version = int(written["metadata"]["resourceVersion"])
        acked = time.monotonic()
        with ThreadPoolExecutor(len(urls)) as threads:
            waits = {
                name: threads.submit(self._wait, url, version, acked) for name, url in urls.items()
            }
            return {name: wait.result() for name, wait in waits.items()}

    def _wait(self, url: str, version: int, acked: float) -> float | None:
        reader = Reader(url, self._placement.home)
        try:
            while time.monotonic() - acked < BOUND_S:
                seen = reader.version()
                if seen is not None and seen >= version:
                    return (time.monotonic() - acked) * 1e3
                time.sleep(READ_EVERY_S)
        finally:
            reader.close()
        return None
