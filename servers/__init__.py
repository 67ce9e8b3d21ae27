"""The measured: two servers with identical ``/pods`` routes over different sources.

Nothing here knows that it is being measured: no load, no statistics, no imports
from ``bench``.
"""
