"""One test of a table: its cases run in turn on the same fixtures, and a failure names the case.

A case that needs fixtures of its own is for `pytest.mark.parametrize`, which makes a test of each.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

Test = Callable[..., None]


def each_case(names: str | tuple[str, ...], cases: Iterable[Any]) -> Callable[[Test], Test]:
    """Run the test for each of `cases`, given to it as the argument or arguments of these names.

    A mapping has a name for each case; the others are called by what they are. No cases at all are a ValueError.
    """
    table = tuple(cases.items() if isinstance(cases, Mapping) else enumerate(cases))
    if not table:
        raise ValueError(f"there is no case of {names}")
    arguments = (names,) if isinstance(names, str) else names

    def decorate(test: Test) -> Test:
        @wraps(test)
        def run(*args: Any, **kwargs: Any) -> None:
            for name, case in table:
                values = (case,) if isinstance(names, str) else case
                try:
                    test(*args, **kwargs, **dict(zip(arguments, values, strict=True)))
                except BaseException as failure:
                    failure.add_note(f"in the case {_shown(name, case)}")
                    raise

        signature = inspect.signature(test)
        fixtures = [value for name, value in signature.parameters.items() if name not in arguments]
        run.__dict__["__signature__"] = signature.replace(parameters=fixtures)
        return run

    return decorate


def _shown(name: str | int, case: object) -> str:
    if isinstance(name, str):
        return name
    try:
        return f"{name}: {ascii(case)[:60]}"
    except ValueError:  # a number of too many digits
        return str(name)
