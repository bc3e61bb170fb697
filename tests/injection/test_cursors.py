"""A cursor that was altered, made up, or made for another list is refused; a forged one leads nowhere else."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metacore.backends.listing import Listing
from metacore.domain.people.users import User
from metacore.domain.trading.orders import OrderFilter
from metacore.domain.trading.trades import TradeFilter
from metacore.domain.values.pages import Page
from metacore.errors import InvalidDataError
from metacore.sync.storage.storage import Storage
from metacore.testing import factories
from metacore.testing.cases import each_case

TEXTS = st.text(st.characters(exclude_categories=()), max_size=300)
PARTS = st.one_of(
    TEXTS,
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(),
    st.lists(TEXTS, max_size=2),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
    st.uuids().map(lambda value: {"u": value.hex}),
    st.datetimes(timezones=st.one_of(st.none(), st.timezones())).map(lambda value: {"t": value.isoformat()}),
    st.sampled_from([{"t": None}, {"u": 1}, {"u": "x"}, {}, {"t": "0001-01-01T00:00:00+14:00"}, {"t": "now()"}]),
)
"""Parts of a position, right and wrong."""


@dataclass
class List:
    """A list in pages of what belongs to one user, and what its cursors are bound to."""

    read: Callable[[Storage, User, Any], Page[Any]]
    listing: Callable[[User], Listing]


LISTS = {
    "users.list": List(
        lambda storage, user, after: storage.users.list(True, after, 1), lambda user: Listing("users.list", (True,))
    ),
    "orders.list": List(
        lambda storage, user, after: storage.orders.list(user.id, after=after, limit=1),
        lambda user: Listing("orders.list", (user.id, OrderFilter())),
    ),
    "trades.list": List(
        lambda storage, user, after: storage.trades.list(user.id, after=after, limit=1),
        lambda user: Listing("trades.list", (user.id, TradeFilter())),
    ),
    "balances.entries": List(
        lambda storage, user, after: storage.balances.entries(user.id, "USDT", after, 1),
        lambda user: Listing("balances.entries", (user.id, "USDT"), (str, int)),
    ),
    "portfolios.holders": List(
        lambda storage, user, after: storage.portfolios.holders("btc", after, 1),
        lambda user: Listing("portfolios.holders", ("btc",), (UUID,)),
    ),
    "order_records.list": List(
        lambda storage, user, after: storage.order_records.list(after, 1),
        lambda user: Listing("order_records.list", (), (datetime, str)),
    ),
    "order_records.list_by_customer": List(
        lambda storage, user, after: storage.order_records.list_by_customer("c", after, 1),
        lambda user: Listing("order_records.list_by_customer", ("c",), (datetime, str)),
    ),
}


def forge(listing: Listing, body: bytes) -> str:
    """A cursor that is bound to `listing` as its own are, made by somebody who knows how."""
    return base64.urlsafe_b64encode(listing._digest(body) + body).decode()


@pytest.fixture(scope="module")
def users(storage: Storage) -> tuple[User, User]:
    """Two users with two rows in every list."""
    users = [storage.users.create(factories.NewUserFactory.build()) for _ in range(2)]
    for user in users:
        for _ in range(2):
            order = storage.orders.create(factories.NewOrderFactory.build(user_id=user.id))
            storage.trades.create(factories.NewTradeFactory.build(of=order))
            storage.balances.apply([factories.BalanceDeltaFactory.build(user_id=user.id)])
            storage.order_records.save(factories.OrderRecordFactory.build(customer_id="c"))
        storage.portfolios.put(user.id, "btc", Decimal(1))
    return users[0], users[1]


def rows_of(storage: Storage, user: User, name: str) -> list[Any]:
    rows, after = [], None
    while True:
        page = LISTS[name].read(storage, user, after)
        rows += page.items
        if (after := page.next) is None:
            return rows


def refuse_or_stay(storage: Storage, user: User, name: str, cursor: Any) -> None:
    """The cursor is refused, or names a place within the same list."""
    try:
        page = LISTS[name].read(storage, user, cursor)
    except InvalidDataError:
        """Refused."""
    else:
        assert [row for row in page.items if row not in rows_of(storage, user, name)] == []


@pytest.mark.parametrize("name", LISTS)
def test_the_tests_know_how_cursors_are_made(storage: Storage, users: tuple[User, User], name: str) -> None:
    cursor = LISTS[name].read(storage, users[0], None).next
    assert cursor == forge(LISTS[name].listing(users[0]), base64.urlsafe_b64decode(str(cursor))[16:])


@pytest.mark.parametrize("name", LISTS)
def test_a_cursor_altered_anywhere_is_refused(storage: Storage, users: tuple[User, User], name: str) -> None:
    cursor = LISTS[name].read(storage, users[0], None).next
    packed = base64.urlsafe_b64decode(str(cursor))
    for position in range(len(packed)):
        altered = bytes(byte ^ (at == position) for at, byte in enumerate(packed))
        with pytest.raises(InvalidDataError):
            LISTS[name].read(storage, users[0], base64.urlsafe_b64encode(altered).decode())


@pytest.mark.parametrize("name", LISTS)
def test_a_cursor_of_another_list_or_user_is_refused(storage: Storage, users: tuple[User, User], name: str) -> None:
    for other in LISTS:
        for user in users:
            cursor = LISTS[other].read(storage, user, None).next
            if LISTS[other].listing(user) != LISTS[name].listing(users[0]):
                with pytest.raises(InvalidDataError):
                    LISTS[name].read(storage, users[0], cursor)


@pytest.mark.parametrize("name", LISTS)
@settings(max_examples=50)
@given(cursor=st.one_of(TEXTS, st.binary(max_size=100).map(lambda data: base64.urlsafe_b64encode(data).decode())))
def test_what_is_no_cursor_is_refused(storage: Storage, users: tuple[User, User], name: str, cursor: str) -> None:
    with pytest.raises(InvalidDataError) as caught:
        LISTS[name].read(storage, users[0], cursor)
    assert caught.value.field == "after"


@each_case("name", list(LISTS))
@each_case("cursor", [0, True, b"x", [], {}, object(), 1.5])
def test_what_is_no_text_is_refused(storage: Storage, users: tuple[User, User], name: str, cursor: Any) -> None:
    with pytest.raises(InvalidDataError):
        LISTS[name].read(storage, users[0], cursor)


@pytest.mark.parametrize("name", LISTS)
@settings(max_examples=50)
@given(data=st.data())
def test_a_forged_position_is_refused_or_a_place_in_the_same_list(
    storage: Storage, users: tuple[User, User], name: str, data: st.DataObject
) -> None:
    position = data.draw(st.one_of(st.lists(PARTS, max_size=3), PARTS), label="position")
    body = json.dumps(position).encode()
    refuse_or_stay(storage, users[0], name, forge(LISTS[name].listing(users[0]), body))


@each_case("name", list(LISTS))
@each_case("body", [b"", b"null", b"1", b"{}", b"[", b"\xff", b"NaN", b"[" * 5000, b'["' + b"x" * 10**6])
def test_a_forged_body_that_is_no_position_is_refused(
    storage: Storage, users: tuple[User, User], name: str, body: bytes
) -> None:
    with pytest.raises(InvalidDataError):
        LISTS[name].read(storage, users[0], forge(LISTS[name].listing(users[0]), body))
