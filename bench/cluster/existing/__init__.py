"""A cluster that somebody else runs: reached by a named context, used in a namespace of our own.

Duty: the way there (``access``), what the account must be allowed (``rights``), our
namespace and its end (``namespace``), who still uses one (``living``), and all of it as a
control plane to measure (``plane``).

No other namespace is read or written, and nothing here decides how much is asked for: that
is the matter of ``bench.existing``.
"""
