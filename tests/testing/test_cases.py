import inspect

import pytest

from metacore.testing.cases import each_case


def test_every_case_runs_and_other_arguments_stay_fixtures():
    seen = []

    @each_case("first", {"one": 1, "two": 2})
    @each_case(("second", "third"), [("a", "b"), ("c", "d")])
    def probe(fixture, first, second, third):
        seen.append((fixture, first, second, third))

    assert list(inspect.signature(probe).parameters) == ["fixture"]
    probe(fixture=0)
    assert seen == [(0, 1, "a", "b"), (0, 1, "c", "d"), (0, 2, "a", "b"), (0, 2, "c", "d")]


@pytest.mark.parametrize("failure", [ZeroDivisionError, KeyboardInterrupt, pytest.fail.Exception])
def test_a_failure_names_its_case_and_is_the_last(failure):
    seen = []

    @each_case("number", {"fine": 1, "bad": 2, "never": 3})
    def named(number):
        seen.append(number)
        if number == 2:
            raise failure

    with pytest.raises(failure) as caught:
        named()
    assert caught.value.__notes__ == ["in the case bad"]
    assert seen == [1, 2]


@pytest.mark.parametrize(("value", "note"), [("\u017c", "0: '\\u017c'"), (10**5000, "0")], ids=["text", "number"])
def test_a_case_without_a_name_is_called_by_what_it_is(value, note):
    @each_case("case", [value])
    def broken(case):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        broken()
    assert caught.value.__notes__ == [f"in the case {note}"]


def test_no_case_at_all_is_an_error():
    with pytest.raises(ValueError, match="no case of name"):
        each_case("name", [])
