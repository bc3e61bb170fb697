"""The table of moves: what may happen to a purchase in each state, and where it goes."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from marketplace.orders.purchase import Line, Purchase, Reason, State, total_of
from marketplace.orders.saga import Trigger, next_step
from metacore import InvalidTransitionError

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LINE = Line(product_id=UUID(int=1), seller_id=UUID(int=2), title="Shoes", price=Decimal("12.50"), quantity=3)

MOVES = """
NEW         stock.reserved    RESERVED
NEW         stock.lacking     FAILED/OUT_OF_STOCK
NEW         cancel            CANCELED/CANCELED
NEW         expire            FAILED/EXPIRED
RESERVED    pay               PAYING
RESERVED    cancel            CANCELED/CANCELED
RESERVED    expire            FAILED/EXPIRED
PAYING      stock.gone        FAILED/EXPIRED
PAYING      payment.captured  PAID
PAYING      payment.declined  RETURNING/DECLINED
RETURNING/DECLINED  stock.returned  FAILED/DECLINED
PAID        ship              SHIPPED
PAID        cancel            REFUNDING/CANCELED
REFUNDING/CANCELED  payment.refunded  RETURNING/CANCELED
REFUNDING/CANCELED  payment.refund_refused  PAID
RETURNING/CANCELED  stock.returned  CANCELED/CANCELED
"""

STAYS = """
PAYING      pay
PAID        pay
SHIPPED     pay
CANCELED    cancel
REFUNDING   cancel
RETURNING/CANCELED  cancel
SHIPPED     ship
"""

REFUSED = """
NEW         pay
PAYING      cancel
SHIPPED     cancel
FAILED      cancel
CANCELED    pay
FAILED/EXPIRED  pay
RETURNING/DECLINED  cancel
RESERVED    ship
RESERVED    payment.captured
RESERVED    stock.gone
PAID        payment.declined
"""


def read(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


def purchase(text: str) -> Purchase:
    state, _, reason = text.partition("/")
    return Purchase(
        id=UUID(int=3),
        customer_id=UUID(int=4),
        state=State(state),
        reason=Reason(reason) if reason else None,
        warehouse="main",
        currency="USD",
        total=total_of([LINE]),
        lines=(LINE,),
        expires_at=NOON,
        version=1,
        created_at=NOON,
        updated_at=NOON,
    )


def test_what_moves_a_purchase_moves_it_where_the_table_says() -> None:
    for before, trigger, after in read(MOVES):
        step = next_step(purchase(before), Trigger(trigger))
        assert step is not None
        assert (step.state, step.reason) == (purchase(after).state, purchase(after).reason), (before, trigger)


def test_what_has_happened_already_changes_nothing() -> None:
    late = [[state, "expire"] for state in set(State) - {State.NEW, State.RESERVED}]
    asked_twice = [
        [state, f"stock.{answer}"] for state in set(State) - {State.NEW} for answer in ("reserved", "lacking")
    ]
    for before, trigger in [*read(STAYS), *late, *asked_twice]:
        assert next_step(purchase(before), Trigger(trigger)) is None, (before, trigger)


def test_what_cannot_happen_is_refused() -> None:
    for before, trigger in read(REFUSED):
        with pytest.raises(InvalidTransitionError, match=f"{State(before.partition('/')[0])} to {trigger}"):
            next_step(purchase(before), Trigger(trigger))


def test_prices_add_up_exactly() -> None:
    assert total_of([LINE, LINE.model_copy(update={"price": Decimal("0.10"), "quantity": 3})]) == Decimal("37.80")
