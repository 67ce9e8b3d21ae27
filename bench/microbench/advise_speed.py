"""Speed and memory of ``bench advise`` on a log of two million lines, plain and packed."""

import argparse
import gzip
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.microbench.audit_log import FORMATS, planted

DAY_S = 86_400.0
WRITES_PER_S = 20.0
"""With the planted clients about two million lines per day."""


def main() -> int:
    """Write the log, read it by the command line in its own process, print a line each."""
    parser = argparse.ArgumentParser(prog="python -m bench.microbench.advise_speed")
    parser.add_argument("--hours", type=float, default=24.0, help="of log (%(default)s)")
    seconds = parser.parse_args().hours / 24 * DAY_S
    with tempfile.TemporaryDirectory(prefix="informer-bench-") as folder:
        plain, packed = Path(folder) / "audit.log", Path(folder) / "audit.log.gz"
        count = 0
        with plain.open("wb") as file, gzip.open(packed, "wb", 1) as small:
            for line in FORMATS["kubernetes"](planted(seconds, WRITES_PER_S)):
                file.write(line)
                small.write(line)
                count += 1
        for path in (plain, packed):
            took_s, cpu_s, peak_mb = _read(path, Path(folder))
            print(
                f"{path.name}: {count:,} lines, {plain.stat().st_size / 1e6:,.0f} MB of JSON in "
                f"{took_s:.1f} s, {cpu_s:.1f} s on processors "
                f"({count / took_s:,.0f} lines/s), at most {peak_mb:,.0f} MB"
            )
    return 0


def _read(path: Path, folder: Path) -> tuple[float, float, float]:
    """Return seconds, CPU seconds, and the peak memory in MB."""
    command = [sys.executable, "-m", "bench", "advise", str(path), "--reports", str(folder)]
    begin = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    took_s = time.perf_counter() - begin
    return took_s, used.ru_utime + used.ru_stime, used.ru_maxrss * unit / 1e6


if __name__ == "__main__":
    sys.exit(main())
