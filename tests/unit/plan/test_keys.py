"""The example, the check and the JSON schema of each key agree."""

import tomllib

import pytest
from jsonschema import Draft202012Validator

from bench.cli.plans import vocabulary
from bench.plan import plan_names, plan_source, read_plan
from bench.plan.keys import EXTERNAL, HEAD, Key, Vocabulary, json_schema, scenario_keys
from tests.unit.plan.test_plan import VALID, error_of

NAMES = Vocabulary(("direct", "informer"), ("list-all",), ("freeze",))
KEYS = [*HEAD.items(), *EXTERNAL.items(), *scenario_keys(NAMES).items()]


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    return Draft202012Validator(json_schema(vocabulary()))


@pytest.mark.parametrize(("name", "key"), KEYS)
def test_an_example_is_a_value_that_its_key_takes(name: str, key: Key) -> None:
    key.check(tomllib.loads(f"{name} = {key.example}")[name])


@pytest.mark.parametrize("name", plan_names())
def test_a_shipped_plan_holds_to_the_schema(name: str, schema: Draft202012Validator) -> None:
    schema.validate(tomllib.loads(plan_source(name)))
    read_plan(name, vocabulary())


@pytest.mark.parametrize(
    ("valid", "wrong"),
    [
        ("rounds = 4", "rounds = 0"),
        ("rounds = 4", "rounds = true"),
        ("duration_s = 2.5", "duration_s = inf"),
        ('name = "mine"', 'name = "mine\\n"'),
        ('name = "mine"', 'name = "Mine"'),
        ('route = "list-all"', 'route = "list-everything"'),
    ],
)
def test_a_value_that_the_plan_refuses_is_refused_by_the_schema(
    valid: str, wrong: str, schema: Draft202012Validator
) -> None:
    text = VALID.replace(valid, wrong)
    assert text != VALID
    assert " takes " in error_of(text)
    assert not schema.is_valid(tomllib.loads(text))
