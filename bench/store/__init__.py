"""Read and write ``results/``; no other package does.

The format is documented in ``results/README.md``. No figure is computed here.
"""

from bench.store.errors import StoreError, UnknownRunError
from bench.store.index import Store
from bench.store.read import RunReader
from bench.store.tables import ObserverRows
from bench.store.write import RunWriter

__all__ = ["ObserverRows", "RunReader", "RunWriter", "Store", "StoreError", "UnknownRunError"]
