"""What goes wrong with somebody's cluster, told in words."""


class ClusterError(Exception):
    """An existing cluster cannot be used as asked: says what, and the way out."""
