"""Who asks an API server for what, out of its audit log, and what an informer would save. Pure.

Lines (``sources``) become requests (``formats``), sums (``groups``), clients with a verdict
(``verdicts``) and a price (``prices``). A request to a cluster does not belong here, nor does a
list of every request: memory does not grow with the log.
"""
