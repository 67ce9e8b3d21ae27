"""An existing cluster: reached by a named context, used in a namespace of our own.

Duty: connection (``access``), required rights (``rights``), our namespace (``namespace``)
and its removal (``removal``), the lock of a live run (``run_lock``), and the whole as a
control plane to measure (``plane``).

It reads and writes no other namespace. What does not belong here: limits on the load, which
``bench.sites`` sets.
"""
