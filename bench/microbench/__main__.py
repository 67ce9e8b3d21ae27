"""``python -m bench.microbench``: run every microbenchmark, one after the other."""

import argparse
import subprocess
import sys

MODULES = (
    "bench.microbench.informer_events",
    "bench.microbench.informer_reads",
    "bench.microbench.informer_latency",
    "bench.microbench.top_speed",
    "bench.microbench.recording_cost",
    "bench.microbench.advise_speed",
    "bench.microbench.servers",
    "bench.microbench.slow_clients",
    "bench.microbench.fill",
    "bench.microbench.analysis",
    "bench.microbench.coverage",
    "bench.microbench.page",
)
"""Modules without a cluster come first."""


def main() -> int:
    """Run each module in its own process, even if others fail; return 1 if any failed."""
    parser = argparse.ArgumentParser(prog="python -m bench.microbench", description=__doc__)
    parser.add_argument(
        "modules",
        nargs="*",
        choices=[*MODULES, []],
        default=[],
        metavar="MODULE",
        help=f"only these, of: {', '.join(MODULES)} (left out: all, about ten minutes)",
    )
    failed = []
    for module in parser.parse_args().modules or MODULES:
        print(f"\n== python -m {module}", flush=True)
        if subprocess.run([sys.executable, "-m", module], check=False).returncode != 0:
            failed.append(module)
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
