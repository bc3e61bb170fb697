"""Reservations: what they take of a balance, when they are made, cut and resolved."""

from uuid import UUID

import pytest

from metacore.domain.trading.reservations import NewReservation
from metacore.domain.trading.reserving import Posting, PostReservations, Reserve, VoidReservations
from metacore.errors import InsufficientFundsError

USER = UUID(int=1)


def reserve(day, amount, asset="USDT"):
    number = day.number()
    new = NewReservation(id=UUID(int=number), user_id=USER, asset=asset, amount=amount, reference=f"n{number}")
    [made] = day.execute(Reserve([new]))
    return made


def post(day, made, amount=None):
    [posted] = day.execute(PostReservations([Posting(user_id=USER, reservation_id=made.id, amount=amount)]))
    return posted


@pytest.mark.parametrize(
    ("total", "posted", "money", "lines"),
    [
        (10, 6, "4 / 0", ["HOLD -6 6", "TRANSFER 0 -6"]),
        (10, 2, "8 / 0", ["HOLD -6 6", "TRANSFER 0 -2", "RELEASE 4 -4"]),
        (4, 4, "0 / 0", ["HOLD -6 6", "SNAPSHOT -4 -2", "TRANSFER 0 -4"]),
        (4, 1, "3 / 0", ["HOLD -6 6", "SNAPSHOT -4 -2", "TRANSFER 0 -1", "RELEASE 3 -3"]),
    ],
)
def test_what_is_posted_comes_from_the_hold_and_the_rest_is_released(day, total, posted, money, lines):
    day.deposit("USDT", 10)
    made = reserve(day, 6)
    if total < 10:
        day.wait(60)
        day.sync({"USDT": total})
        day.wait(60)
    assert post(day, made, posted).posted_amount == posted
    assert day.money().get("USDT", "0 / 0") == money
    assert [f"{row.reason} {row.delta_free} {row.delta_locked}" for row in day.entries[1:]] == lines


def test_what_a_cut_hold_lacks_comes_from_free(day):
    day.deposit("USDT", 10)
    made = reserve(day, 6)
    day.wait(60)
    day.sync({"USDT": 4})
    before = day.state()
    with pytest.raises(InsufficientFundsError) as error:
        post(day, made)
    assert (error.value.needed, error.value.available) == (2, 0)
    assert day.state() == before
    day.wait(60)
    day.deposit("USDT", 3)
    post(day, made)
    assert day.money() == {"USDT": "1 / 0"}
    lines = [f"{row.reason} {row.delta_free} {row.delta_locked}" for row in day.entries[-2:]]
    assert lines == ["HOLD -2 2", "TRANSFER 0 -6"]


def test_a_snapshot_cuts_orders_first_and_then_the_newest_reservation(day):
    day.deposit("USDT", 1000)
    older = reserve(day, 100)
    day.wait()
    newer = reserve(day, 200)
    order = day.place(day.order(price=100, quantity=5))
    day.wait(60)
    day.sync({"USDT": 250})
    held = [day.reservations[row.key].held_amount for row in (older, newer)]
    assert (held, day.stored(order).held_amount, day.money()) == ([100, 150], 0, {"USDT": "0 / 250"})
    day.wait(60)
    assert [row.held_amount for row in day.execute(VoidReservations(USER, [newer.id]))] == [0]
    assert day.money() == {"USDT": "150 / 100"}
