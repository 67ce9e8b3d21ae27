"""``python -m bench.microbench``: every benchmark of the parts, one after the other."""

import subprocess
import sys

MODULES = (
    "bench.load.topspeed",
    "bench.microbench.servers",
    "bench.microbench.fill",
)


def main() -> int:
    """Run each in a process of its own; return the first exit code that is not 0."""
    for module in MODULES:
        print(f"\n== python -m {module}", flush=True)
        code = subprocess.run([sys.executable, "-m", module], check=False).returncode
        if code != 0:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
