"""An informer: a local cache of Kubernetes objects fed by list and watch.

A library in its own right, with client-go's guarantees and names. No web server
in it, and nothing of the benchmark.

"""
