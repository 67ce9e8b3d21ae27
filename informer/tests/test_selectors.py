"""The grammar by example; its likeness to the real API server is tested in tests/integration."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube_informer import (
    SelectorError,
    parse_field_selector,
    parse_label_selector,
)

LABELS = {"app": "web", "tier": "front", "size": "12", "empty": "", "in": "x"}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("", True),
        ("app=web", True),
        ("app==web", True),
        ("app = web , tier != back", True),
        ("app=db", False),
        ("app!=db", True),
        ("none!=db", True),
        ("none=db", False),
        ("app in (web,db)", True),
        ("app in (db)", False),
        ("app notin (db)", True),
        ("app notin (web)", False),
        ("none notin (web)", True),
        ("app", True),
        ("none", False),
        ("!none", True),
        ("!app", False),
        ("! app", False),
        ("size>11", True),
        ("size>12", False),
        ("size<13", True),
        ("app>1", False),
        ("none<1", False),
        ("empty=", True),
        ("empty", True),
        ("app=", False),
        ("empty in ()", True),
        ("empty in (,)", True),
        ("app in (,web)", True),
        ("in=x", True),
        ("in in (x)", True),
        ("app=web,app=web", True),
        ("app=web,app=db", False),
    ],
)
def test_a_label_selector_selects_as_kubernetes_says(selector, expected):
    assert expected is parse_label_selector(selector).matches(LABELS)


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("a=b=c", "found '=', expected: ',' or 'end of string'"),
        ("a=b,", "found '', expected: identifier after ','"),
        (",a", "found ',', expected: !, identifier, or 'end of string'"),
        ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        (
            "a!",
            "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt",
        ),
        (
            "a>b",
            (
                'unable to parse requirement: values[0]: Invalid value: "b": '
                "for 'Gt', 'Lt' operators, the value must be an integer"
            ),
        ),
        (
            "a=" + "x" * 64,
            (
                "unable to parse requirement: values[0][a]: Invalid value: "
                f'"{"x" * 64}": must be no more than 63 bytes'
            ),
        ),
    ],
)
def test_a_label_selector_that_does_not_parse_is_refused_with_the_api_servers_message(
    selector, message
):
    with pytest.raises(SelectorError) as refusal:
        parse_label_selector(selector)
    assert message == str(refusal.value)


FIELDS = {"spec.nodeName": "n,1", "status.phase": "a=b\\c", "metadata.name": "x"}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("", True),
        (",", True),
        ("metadata.name=x", True),
        ("metadata.name==x", True),
        ("metadata.name!=x", False),
        ("spec.nodeName=n\\,1", True),
        ("spec.host=n\\,1", True),
        ("status.phase=a\\=b\\\\c", True),
        ("metadata.name=x,spec.nodeName=none", False),
        ("status.podIP=", True),
        ("status.podIP!=", False),
        ("status.podIPs=", True),
        ("=", True),
    ],
)
def test_a_field_selector_selects_as_kubernetes_says(selector, expected):
    assert expected is parse_field_selector(selector).matches(FIELDS)


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("spec.nope=1", "field label not supported: spec.nope"),
        ("metadata.name", "invalid selector: 'metadata.name'; can't understand 'metadata.name'"),
        ("metadata.name=a=b", "invalid field selector: unescaped character in value: 61"),
        ("metadata.name=\\q", "invalid field selector: invalid escape sequence: \\q"),
        ("metadata.name=a\\", "invalid field selector: invalid escape sequence: \\"),
    ],
)
def test_a_field_selector_that_does_not_parse_is_refused_with_the_api_servers_message(
    selector, message
):
    with pytest.raises(SelectorError) as refusal:
        parse_field_selector(selector)
    assert message == str(refusal.value)


REQUIREMENTS = st.lists(
    st.sampled_from(
        [
            *(
                "a",
                "!a",
                "b",
                "!b",
                "a=1",
                "a!=1",
                "a=2",
                "a!=2",
                "b=",
                "a in (1,2,x)",
                "a in (2,3)",
            ),
            *("a notin (1)", "a notin (2,x)", "a>1", "a>2", "a<3", "a<2", "b>0", "b<9", "a>01"),
        ]
    ),
    max_size=6,
)


@given(REQUIREMENTS, st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "1", "2", "x"])))
def test_an_object_is_selected_if_it_meets_every_requirement(
    requirements: list[str], labels: dict[str, str]
) -> None:
    selector = parse_label_selector(",".join(requirements))

    assert all(r.matches(labels) for r in selector.requirements) is selector.matches(labels)


TERMS = st.lists(st.sampled_from(["metadata.name=a", "metadata.name!=a", "metadata.name!=b"]))


@given(TERMS, st.sampled_from(["a", "b", "c", ""]))
def test_an_object_is_selected_if_it_meets_every_term(terms: list[str], name: str) -> None:
    selector = parse_field_selector(",".join(terms))

    expected = all((name == term.value) is term.equal for term in selector.terms)
    assert expected is selector.matches({"metadata.name": name})


class CountingLabels(dict[str, str]):
    """Labels that count their lookups."""

    lookups = 0

    def get(self, key: str, default: str | None = None) -> str | None:
        self.lookups += 1
        return super().get(key, default)


@pytest.mark.parametrize("form", ["!k{}", "k{}!=v", "app!=v{}", "n<1{}", "app notin (x{})"])
def test_many_requirements_cost_an_object_no_more_than_its_labels(form: str) -> None:
    selector = parse_label_selector(",".join(form.format(number) for number in range(900)))
    labels = CountingLabels(app="web", tier="x", n="5")

    assert selector.matches(labels)

    assert labels.lookups <= len(labels)


@pytest.mark.parametrize("digits", ["9" * 4301, "-" + "9" * 20, "1" * 20])
def test_a_number_of_too_many_digits_is_no_integer(digits: str) -> None:
    with pytest.raises(SelectorError, match="the value must be an integer"):
        parse_label_selector(f"a>{digits}")


def test_leading_zeros_make_a_number_no_larger() -> None:
    assert parse_label_selector(f"a>{'0' * 60}1").matches({"a": "2"})
