"""The ids of an order: its names, and the one order that several ids name."""

from uuid import UUID

import pytest

from metacore.domain.trading.order_ids import OrderIds
from metacore.errors import ConflictError

ID, OTHER = UUID(int=1), UUID(int=2)


def by_name(*orders: OrderIds) -> dict[OrderIds, OrderIds]:
    return {name: ids for ids in orders for name in ids.names()}


WHOLE = OrderIds(ID, "x1", "c1")
KNOWN = by_name(WHOLE, OrderIds(OTHER, None, "c2"))


def test_names_are_the_known_ids_each_by_itself() -> None:
    assert OrderIds().names() == ()
    assert WHOLE.names() == (OrderIds(ID), OrderIds(None, "x1"), OrderIds(None, None, "c1"))


@pytest.mark.parametrize(
    ("ids", "own_first", "exchange_first"),
    [
        (WHOLE, OrderIds(ID), "x1"),
        (OrderIds(None, "x1", "c1"), OrderIds(None, "x1"), "x1"),
        (OrderIds(ID, None, "c1"), OrderIds(ID), str(ID)),
        (OrderIds(None, None, "c1"), OrderIds(None, None, "c1"), "c1"),
    ],
)
def test_one_id_counts_by_precedence(ids: OrderIds, own_first: OrderIds, exchange_first: str) -> None:
    assert (ids.own_first(), ids.exchange_first()) == (own_first, exchange_first)


def test_an_id_that_is_not_ascii_counts_by_its_digest() -> None:
    key = OrderIds(None, "\u043a" * 255).exchange_first()
    assert len(key) == 64
    assert key != OrderIds(None, "\u043a" * 254).exchange_first()


def test_ids_are_completed_by_others_where_one_is_not_known() -> None:
    assert OrderIds(None, "x1").completed_by(OrderIds(ID, "x2", "c1")) == WHOLE


@pytest.mark.parametrize(
    "ids", [WHOLE, *WHOLE.names(), OrderIds(ID, None, "no order's"), OrderIds(None, "x1", "no order's")]
)
def test_any_id_finds_the_order(ids: OrderIds) -> None:
    assert ids.find(KNOWN) is KNOWN[OrderIds(ID)]


@pytest.mark.parametrize("ids", [OrderIds(), OrderIds(UUID(int=9)), OrderIds(None, "c1", "x1")])
def test_unknown_ids_find_nothing(ids: OrderIds) -> None:
    assert ids.find(KNOWN) is None


def test_aliases_find_the_order_too() -> None:
    assert OrderIds(UUID(int=9)).find(KNOWN, OrderIds(None, None, "c2")) is KNOWN[OrderIds(OTHER)]


@pytest.mark.parametrize("ids", [(OrderIds(ID, None, "c2"),), (OrderIds(ID), OrderIds(None, None, "c2"))])
def test_ids_of_two_orders_are_a_conflict(ids: tuple[OrderIds, ...]) -> None:
    with pytest.raises(ConflictError, match="the ids name two orders") as refusal:
        ids[0].find(KNOWN, *ids[1:])
    assert refusal.value.conflicts == (str(ID), str(OTHER))


@pytest.mark.parametrize(("ids", "other"), [(OrderIds(UUID(int=9), "x1"), UUID(int=9)), (OrderIds(ID, "x9"), "x9")])
def test_another_id_of_ours_or_of_the_exchange_is_a_conflict(ids: OrderIds, other: object) -> None:
    with pytest.raises(ConflictError, match=f"order {ID} is not also {other}"):
        ids.find(KNOWN)
