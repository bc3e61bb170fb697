"""Tables in memory: their groups and unique values through layers, against a dictionary copied for each layer."""

import sys
from collections.abc import Callable
from copy import deepcopy
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metacore.memory.schema import Views
from metacore.memory.tables import Index, Table
from metacore.memory.views import View


class Row(NamedTuple):
    user: str
    id: int
    name: str | None = None
    colour: str | None = None
    weight: int = 0

    @property
    def key(self) -> tuple[str, int]:
        return self.user, self.id


COLOURS = ("red", "blue")
NAMES = ("a", "b", "c")
USERS = ("x", "y")


def table() -> Table[tuple[str, int], Row]:
    return Table(
        lambda row: row.key,
        {"name": lambda row: row.name},
        {"colour": Index(lambda row: row.colour), "heaviest": Index(lambda row: row.colour, lambda row: row.weight)},
    )


@pytest.fixture
def view() -> View[tuple[str, int], Row]:
    view = View(table())
    view.push()
    return view


def check(view: View[tuple[str, int], Row], rows: dict[tuple[str, int], Row]) -> None:
    by_key = sorted(rows.values(), key=lambda row: row.key)
    assert sorted(view.all(), key=lambda row: row.key) == by_key
    for user in USERS:
        assert view.group(user) == [row for row in by_key if row.user == user]
    for colour in COLOURS:
        coloured = [row for row in by_key if row.colour == colour]
        assert view.select("colour", colour) == coloured
        assert view.last("colour", colour) == (coloured[-1] if coloured else None)
        by_weight = sorted(coloured, key=lambda row: row.weight)
        assert view.select("heaviest", colour) == by_weight
        assert view.last("heaviest", colour) == (by_weight[-1] if by_weight else None)
    for name in NAMES:
        assert view.find("name", name) == next((row for row in by_key if row.name == name), None)


def test_a_row_that_changes_changes_groups(view):
    view.put(Row("x", 1, colour="red"))
    view.put(Row("x", 2, colour="red"))
    view.put(Row("x", 1, colour="blue"))
    assert view.select("colour", "red") == [Row("x", 2, colour="red")]
    assert view.select("colour", "blue") == [Row("x", 1, colour="blue")]


def test_a_row_without_a_group_is_in_none(view):
    view.put(Row("x", 1))
    assert view.select("colour", None) == []
    assert view.group("x") == [Row("x", 1)]


def test_a_savepoint_undone_leaves_the_groups_as_they_were(view):
    first, second = Row("x", 1, colour="red", weight=1), Row("x", 2, colour="red", weight=2)
    view.put(first)
    view.put(second)
    view.push()
    view.delete([second])
    view.put(first._replace(colour="blue"))
    view.put(Row("x", 3, colour="red", weight=3))
    assert view.last("heaviest", "red") == Row("x", 3, colour="red", weight=3)
    assert view.select("colour", "blue") == [first._replace(colour="blue")]
    view.pop()
    assert view.select("heaviest", "red") == [first, second]
    assert view.select("colour", "blue") == []


def test_a_savepoint_kept_adds_to_the_groups_below(view):
    for number in (2, 1, 3):
        view.put(Row("x", number, colour="red"))
        view.push()
    view.fold()
    view.fold()
    view.fold()
    assert [row.id for row in view.select("colour", "red")] == [1, 2, 3]


def test_a_deleted_row_is_gone_from_below_and_may_come_back(view):
    row = Row("x", 1, "a", "red")
    view.put(row)
    view.fold()
    view.push()
    view.delete(view.group("x"))
    check(view, {})
    view.push()
    view.put(row)
    check(view, {row.key: row})
    view.fold()
    view.fold()
    check(view, {row.key: row})


def test_others_see_the_groups_of_the_last_commit():
    rows = table()
    writer, reader = View(rows), View(rows)
    writer.push()
    writer.put(Row("x", 1, colour="red"))
    assert reader.select("colour", "red") == []
    assert reader.last("colour", "red") is None
    writer.fold()
    assert reader.select("colour", "red") == [Row("x", 1, colour="red")]


def test_nothing_is_kept_of_what_is_gone():
    rows = table()
    view = View(rows)
    view.push()
    view.put(Row("x", 1, "a", "red", 1))
    view.put(Row("x", 2, "b", "red", 2))
    view.fold()
    view.push()
    view.delete(view.all())
    view.fold()
    assert (rows.rows, rows.owners, rows.joined, rows.left) == ({}, {}, {}, {})


ROWS = st.builds(
    Row,
    st.sampled_from(USERS),
    st.integers(1, 3),
    st.none() | st.sampled_from(NAMES),
    st.none() | st.sampled_from(COLOURS),
    st.integers(0, 3),
)


STEPS = st.sampled_from(["push", "push", "delete", "cascade", "push", "pop", "fold", "keep", "undo"])


@given(st.lists(ROWS | ROWS | STEPS, min_size=15, max_size=40))
def test_any_changes_in_any_layers(steps):
    rows = table()
    views = Views({"users": rows})
    view, models, kept = views.users, [{}], {}
    for step in steps:
        if step in ("push", "pop", "fold", "keep"):
            views.keep()
        if step == "push" or (step in ("pop", "fold") and len(models) == 1):
            views.push()
            models.append(dict(models[-1]))
        top = models[-1]
        if isinstance(step, Row):
            if view.taken(step) is None:
                view.put(step)
                top[step.key] = step
        elif step == "delete" and top:
            view.delete([top.pop(min(top))])
        elif step == "cascade":
            view.delete(view.group("x"))
            models[-1] = {key: row for key, row in top.items() if row.user != "x"}
        elif step == "pop":
            views.pop()
            models.pop()
        elif step == "fold":
            views.fold()
            models[-2:] = [top]
        elif step == "undo":
            views.undo()
            models[-1] = dict(kept)
        if step in ("push", "pop", "fold", "keep"):
            kept = dict(models[-1])
        check(view, models[-1])
        check(View(rows), models[0])


def interrupted(work: Callable[[], None], at: int) -> bool:
    """Call `work`, interrupted before its line number `at` in tables and views; whether it came so far."""
    lines = count(1)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if Path(frame.f_code.co_filename).name not in ("tables.py", "views.py"):
            return None
        if event == "line" and next(lines) == at:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def test_what_is_interrupted_anywhere_is_undone_as_a_whole():
    rows = table()
    views = Views({"users": rows})
    for row in (Row("x", 1, "a", "red", 1), Row("x", 2, "b", "red", 2), Row("x", 3, "c")):
        views.users.put(row)
    views.keep()
    before = deepcopy((rows.rows, rows.owners, rows.joined))

    def work():
        views.users.delete([Row("x", 1, "a", "red", 1)])
        views.users.put(Row("x", 2, "a", "blue", 3))
        views.users.put(Row("y", 1, "b", "red", 2))

    lines = 0
    while interrupted(work, lines + 1):
        views.undo()
        assert (rows.rows, rows.owners, rows.joined) == before
        lines += 1
    assert lines > 50
