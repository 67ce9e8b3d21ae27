"""``python -m bench``; see ``bench.cli``."""

import sys

INTERRUPTED = 130

if __name__ == "__main__":
    try:
        from bench.cli import main
        from kube_informer.redaction import redact_output

        redact_output()
        code = main()
    except KeyboardInterrupt:
        # While it still loads, which takes part of a second: there is nothing to unwind yet.
        code = INTERRUPTED
    sys.exit(code)
