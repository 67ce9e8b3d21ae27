"""The order of resourceVersions: whether two are equal, and which of two is older.

A version is opaque text. Equal texts name the same state. Two decimal numbers of
any length are ordered by value; the order of any other two is unknown, and neither
counts as older. An absent version ("") is neither older than another nor a
repeat of one.
"""


def is_number(version: str) -> bool:
    """Return whether ``version`` can be ordered: ASCII digits only."""
    return version.isdecimal() and version.isascii()


def older(left: str, right: str) -> bool:
    """Return whether ``left`` is before ``right``; false if their order is unknown."""
    if not (is_number(left) and is_number(right)):
        return False
    if left[0] == "0" or right[0] == "0":
        left, right = left.lstrip("0"), right.lstrip("0")
    # Not by int(): Python limits the digits it converts.
    return left < right if len(left) == len(right) else len(left) < len(right)


def reached(version: str, minimum: str) -> bool:
    """Return whether a state at ``version`` includes ``minimum``; "" and "0" accept any."""
    return minimum in ("", "0", version) or older(minimum, version)
