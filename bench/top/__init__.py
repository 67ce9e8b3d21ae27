"""Who asks an API server right now, sampled from what its flow control says it executes.

It needs no audit log and changes nothing. Whether an informer would pay off does not belong here:
that answer needs a log (``bench.advise``).
"""
