"""The measured: two servers with identical ``/pods`` routes over different sources.

No module here knows of the measurement: no load, no statistics, no imports
from ``bench``.
"""
