"""The grammar by example; its likeness to the real API server is tested in tests/integration."""

import pytest

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
def test_a_label_selector_that_does_not_parse_is_refused_in_the_api_servers_words(
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
def test_a_field_selector_that_does_not_parse_is_refused_in_the_api_servers_words(
    selector, message
):
    with pytest.raises(SelectorError) as refusal:
        parse_field_selector(selector)
    assert message == str(refusal.value)
