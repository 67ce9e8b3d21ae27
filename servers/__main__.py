"""Composition root: ``python -m servers NAME --kubeconfig FILE [options]``."""

from servers.cli import main

if __name__ == "__main__":
    main()
