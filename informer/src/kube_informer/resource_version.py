"""What a resourceVersion means here: whether two are the same, and which of two is older.

A version is opaque text. Equal texts name the same state. Two decimal numbers
are ordered by value, however long they are; of anything else the order is not
known, and neither of the two counts as older. An absent version ("") says
nothing: it is neither older than another nor a repeat of one.
"""


def is_number(version: str) -> bool:
    """Whether ``version`` can be ordered: ASCII digits only."""
    return version.isdecimal() and version.isascii()


def older(left: str, right: str) -> bool:
    """Whether ``left`` is before ``right``; false where their order is not known."""
    if not (is_number(left) and is_number(right)):
        return False
    if left[0] == "0" or right[0] == "0":
        left, right = left.lstrip("0"), right.lstrip("0")
    # Not by int(): Python limits the digits it converts.
    return left < right if len(left) == len(right) else len(left) < len(right)


def reached(version: str, wanted: str) -> bool:
    """Whether a state at ``version`` includes ``wanted``; "" and "0" want any state."""
    return wanted in ("", "0", version) or older(wanted, version)
