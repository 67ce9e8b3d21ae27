"""A cluster that somebody else runs: reached by a named context, used in a namespace of our own.

Duty: the way there (``access``), what the account must be allowed (``rights``), our
namespace and its end (``namespace``), whether its run is still alive (``run_lock``), and all of
it as a control plane to measure (``plane``).

No other namespace is read or written, and nothing here decides how much is asked for: that
is the matter of ``bench.sites``.
"""
