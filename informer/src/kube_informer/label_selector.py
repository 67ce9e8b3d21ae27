"""Label selectors as the API server reads them: same grammar, meaning and error messages.

The grammar is that of Kubernetes' ``labels.Parse``: requirements joined by
commas, each ``key``, ``!key``, ``key=value``, ``key==value``, ``key!=value``,
``key in (a,b)``, ``key notin (a,b)``, ``key>1`` or ``key<1``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from kube_informer.errors import SelectorError


class Operator(StrEnum):
    """The condition that a requirement sets on a label."""

    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    DOES_NOT_EXIST = "!"
    GREATER_THAN = "gt"
    LESS_THAN = "lt"


INT64_MAX = (1 << 63) - 1
_INTEGER = re.compile(r"([+-]?)0*([0-9]{1,19})")
"""At most 19 digits, as many as an int64 has: Python refuses to convert thousands."""


def _int64(text: str) -> int | None:
    """Read ``text`` as Go's ``strconv.ParseInt(text, 10, 64)`` does."""
    match = _INTEGER.fullmatch(text)
    if match is None:
        return None
    number = int(match[1] + match[2])
    return number if -INT64_MAX - 1 <= number <= INT64_MAX else None


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether ``labels`` meet it; an absent label meets ``notin`` and ``!=``."""
        value = labels.get(self.key)
        match self.operator:
            case Operator.IN:
                return value is not None and value in self.values
            case Operator.NOT_IN:
                return value is None or value not in self.values
            case Operator.EXISTS:
                return value is not None
            case Operator.DOES_NOT_EXIST:
                return value is None
        number = None if value is None else _int64(value)
        if number is None:
            return False
        (bound,) = self.values
        return (
            number > int(bound) if self.operator is Operator.GREATER_THAN else number < int(bound)
        )


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Requirements that must all hold; no requirements select everything.

    Requirements on one label are merged, and an object is checked label by label:
    its labels are few, the requirements may be many.
    """

    requirements: tuple[Requirement, ...] = ()
    _needed: frozenset[str] = field(init=False, repr=False, compare=False)
    _by_key: Mapping[str, tuple[Requirement, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        needed = {r.key for r in self.requirements if r.operator in _NEED_THE_LABEL}
        object.__setattr__(self, "_needed", frozenset(needed))
        object.__setattr__(self, "_by_key", _merged(self.requirements))

    @property
    def is_empty(self) -> bool:
        """Whether every object is selected."""
        return not self.requirements

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether an object with these labels is selected."""
        if not self._needed <= labels.keys():
            return False
        for key in self._by_key.keys() & labels.keys():
            for requirement in self._by_key[key]:
                if not requirement.matches(labels):
                    return False
        return True

    def indexable(self) -> Requirement | None:
        """Return the requirement that an index of labels narrows most, if any.

        That is a requirement of values (``=``, ``in``), else of the label's presence.
        A requirement of its absence selects most objects as a rule.
        """
        candidates = [r for r in self.requirements if r.operator in _NEED_THE_LABEL]
        return min(candidates, key=lambda r: r.operator is not Operator.IN, default=None)


_NEED_THE_LABEL = frozenset(
    (Operator.IN, Operator.EXISTS, Operator.GREATER_THAN, Operator.LESS_THAN)
)


def _merged(requirements: tuple[Requirement, ...]) -> dict[str, tuple[Requirement, ...]]:
    """Return the requirements on a present label by key, one an operator at most."""
    groups: dict[tuple[str, Operator], list[frozenset[str]]] = {}
    for requirement in requirements:
        if requirement.operator is not Operator.EXISTS:
            key = (requirement.key, requirement.operator)
            groups.setdefault(key, []).append(requirement.values)
    merged: dict[str, tuple[Requirement, ...]] = {}
    for (label, operator), values in groups.items():
        requirement = Requirement(label, operator, _merged_values(operator, values))
        merged[label] = (*merged.get(label, ()), requirement)
    return merged


def _merged_values(operator: Operator, values: list[frozenset[str]]) -> frozenset[str]:
    first, *others = values
    if operator is Operator.IN:
        return first.intersection(*others)
    if operator is Operator.NOT_IN:
        return first.union(*others)
    if operator is Operator.DOES_NOT_EXIST or not others:
        return first
    strictest = max if operator is Operator.GREATER_THAN else min
    return frozenset((strictest(first.union(*others), key=int),))


EVERYTHING = LabelSelector()

_TOKEN = re.compile(r"==|!=|[=!(),><]|[^=!(),>< \t\r\n]+")
_SYMBOLS = frozenset(("==", "!=", *"=!(),><"))
_KEYWORDS = frozenset(("in", "notin"))
_OPERATORS = {
    "in": Operator.IN,
    "=": Operator.IN,
    "==": Operator.IN,
    "notin": Operator.NOT_IN,
    "!=": Operator.NOT_IN,
    ">": Operator.GREATER_THAN,
    "<": Operator.LESS_THAN,
}


class _Token(NamedTuple):
    kind: str  # a symbol, a keyword, "identifier" or "end"
    text: str

    @property
    def as_value(self) -> str:
        """Its kind in a place where a keyword is an ordinary word."""
        return "identifier" if self.kind in _KEYWORDS else self.kind


def _tokens(text: str) -> list[_Token]:
    known = _SYMBOLS | _KEYWORDS
    words = _TOKEN.findall(text)
    return [*(_Token(w if w in known else "identifier", w) for w in words), _Token("end", "")]


_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_NAME_TEXT = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    "or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
MAX_NAME = 63
MAX_PREFIX = 253


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _key_faults(key: str) -> list[str]:
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        optional = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a valid label key {_NAME_TEXT} {optional}"]
    faults: list[str] = []
    if slash and not prefix:
        faults.append("prefix part must be non-empty")
    elif slash:
        if len(prefix.encode()) > MAX_PREFIX:
            faults.append(f"prefix part must be no more than {MAX_PREFIX} bytes")
        if not _SUBDOMAIN.fullmatch(prefix):
            faults.append(f"prefix part {_SUBDOMAIN_TEXT}")
    if not name:
        faults.append("name part must be non-empty")
    elif len(name.encode()) > MAX_NAME:
        faults.append(f"name part must be no more than {MAX_NAME} bytes")
    if not _NAME.fullmatch(name):
        faults.append(f"name part {_NAME_TEXT}")
    return faults


def _value_faults(value: str) -> list[str]:
    faults = []
    if len(value.encode()) > MAX_NAME:
        faults.append(f"must be no more than {MAX_NAME} bytes")
    if value and not _NAME.fullmatch(value):
        faults.append(_VALUE_TEXT)
    return faults


class _RequirementError(Exception):
    """Raised for a fault inside one requirement."""


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._position = 0

    def _peek(self) -> _Token:
        return self._tokens[self._position]

    def _take(self) -> _Token:
        token = self._tokens[self._position]
        self._position = min(self._position + 1, len(self._tokens) - 1)
        return token

    def parse(self) -> tuple[Requirement, ...]:
        requirements: list[Requirement] = []
        first = self._peek()
        if first.kind == "end":
            return ()
        if first.as_value not in ("identifier", "!"):
            raise SelectorError(
                f"found '{first.text}', expected: !, identifier, or 'end of string'"
            )
        while True:
            try:
                requirements.append(self._requirement())
            except _RequirementError as error:
                raise SelectorError(f"unable to parse requirement: {error}") from None
            separator = self._take()
            if separator.kind == "end":
                return tuple(requirements)
            if separator.kind != ",":
                raise SelectorError(f"found '{separator.text}', expected: ',' or 'end of string'")
            following = self._peek()
            if following.as_value not in ("identifier", "!"):
                raise SelectorError(f"found '{following.text}', expected: identifier after ','")

    def _requirement(self) -> Requirement:
        token = self._take()
        negated = token.kind == "!"
        if negated:
            token = self._take()
        if token.as_value != "identifier":
            raise _RequirementError(f"found '{token.text}', expected: identifier")
        key = token.text
        if faults := _key_faults(key):
            raise _RequirementError(f"<nil>: Invalid value: {_quoted(key)}: {'; '.join(faults)}")
        if negated:
            return Requirement(key, Operator.DOES_NOT_EXIST)
        if self._peek().kind in ("end", ","):
            return Requirement(key, Operator.EXISTS)
        return self._comparison(key)

    def _comparison(self, key: str) -> Requirement:
        token = self._take()
        operator = _OPERATORS.get(token.kind)
        if operator is None:
            raise _RequirementError(f"found '{token.text}', expected: in, notin, =, ==, !=, gt, lt")
        values = self._values() if token.kind in _KEYWORDS else self._exact_value()
        _check_values(key, operator, values)
        return Requirement(key, operator, values)

    def _exact_value(self) -> frozenset[str]:
        if self._peek().kind in ("end", ","):
            return frozenset(("",))
        token = self._take()
        if token.as_value != "identifier":
            raise _RequirementError(f"found '{token.text}', expected: identifier")
        return frozenset((token.text,))

    def _values(self) -> frozenset[str]:
        opening = self._take()
        if opening.kind != "(":
            raise _RequirementError(f"found '{opening.text}' expected: '('")
        first = self._peek()
        if first.kind == ")":
            self._take()
            return frozenset(("",))
        if first.as_value not in ("identifier", ","):
            raise _RequirementError(f"found '{first.text}', expected: ',', ')' or identifier")
        return self._value_list()

    def _value_list(self) -> frozenset[str]:
        """Parse words between commas up to the closing bracket; an absent word is ``""``."""
        values: set[str] = set()
        expecting = True  # a word may come; a comma here stands for an empty one
        while True:
            token = self._take()
            if token.kind == ")":
                if expecting:
                    values.add("")
                return frozenset(values)
            if token.kind == ",":
                if expecting:
                    values.add("")
                expecting = True
            elif token.as_value == "identifier" and expecting:
                values.add(token.text)
                expecting = False
            else:
                expected = "',', or identifier" if expecting else "',' or ')'"
                raise _RequirementError(f"found '{token.text}', expected: {expected}")


def _check_values(key: str, operator: Operator, values: frozenset[str]) -> None:
    faults: list[str] = []
    for index, value in enumerate(sorted(values)):
        if operator in (Operator.GREATER_THAN, Operator.LESS_THAN) and _int64(value) is None:
            faults.append(
                f"values[{index}]: Invalid value: {_quoted(value)}: "
                "for 'Gt', 'Lt' operators, the value must be an integer"
            )
    for index, value in enumerate(sorted(values)):
        if problems := _value_faults(value):
            subject = f"values[{index}][{key}]: Invalid value: {_quoted(value)}"
            faults.append(f"{subject}: {'; '.join(problems)}")
    if len(faults) == 1:
        raise _RequirementError(faults[0])
    if faults:
        raise _RequirementError(f"[{', '.join(faults)}]")


def parse_label_selector(text: str) -> LabelSelector:
    """Parse ``text``; raise :class:`SelectorError` with the API server's message."""
    return LabelSelector(_Parser(text).parse())
