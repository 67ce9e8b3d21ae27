"""A run on a cluster that is there already: how much may be asked of it, and on whose word.

Duty: the caps on a plan, the look before anything is made, the person's consent, the site
that a run takes place at, and the removal of what dead runs left.

How namespaces and accounts are made and removed is the matter of ``bench.cluster.existing``.
"""
