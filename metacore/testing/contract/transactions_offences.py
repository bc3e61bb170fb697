"""What raises errors in a transaction: those that doom it, and those that do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from metacore.domain.people.credentials import Credentials
from metacore.domain.people.users import User, UserPatch
from metacore.domain.trading.decisions import Changes
from metacore.domain.trading.orders import Order
from metacore.errors import (
    AlreadyExistsError,
    ConfigurationError,
    ConflictError,
    InsufficientFundsError,
    InvalidDataError,
    MetacoreError,
    NotFoundError,
    StaleVersionError,
)
from metacore.sync.storage.storage import Transaction
from metacore.testing.contract.samples import NOBODY
from metacore.testing.factories import (
    BalanceDeltaFactory,
    NewOrderFactory,
    NewOrderUpdateFactory,
    NewTradeFactory,
    NewUserFactory,
)

ONE, ZERO = Decimal(1), Decimal(0)
CREDENTIALS = Credentials(api_key="key", api_secret="secret")  # noqa: S106


@dataclass(frozen=True)
class Scene:
    """Where an offence takes place: in a transaction, with two users and an order of the first."""

    tx: Transaction
    user: User
    other: User
    order: Order


Offence = Callable[[Scene], object]


def _delete_while_it_holds(at: Scene) -> None:
    at.tx.save(Changes(orders=(at.order.changed(held_asset="USDT", held_amount=ONE, version=2),)))
    at.tx.orders.delete(*at.order.key)


DOOMING: dict[str, tuple[type[MetacoreError], Offence]] = {
    "a taken username": (
        AlreadyExistsError,
        lambda at: at.tx.users.update(at.user.id, UserPatch(username=at.other.username)),
    ),
    "a taken user id": (
        AlreadyExistsError,
        lambda at: at.tx.users.create(NewUserFactory.build(id=at.other.id)),
    ),
    "a taken order id": (
        AlreadyExistsError,
        lambda at: at.tx.orders.create(NewOrderFactory.build(user_id=at.user.id, id=at.order.id)),
    ),
    "a conflicting import": (
        ConflictError,
        lambda at: at.tx.orders.create_many([NewOrderFactory.build(user_id=at.user.id, id=at.order.id)]),
    ),
    "a taken reference": (
        AlreadyExistsError,
        lambda at: at.tx.balances.apply(
            [BalanceDeltaFactory.build(user_id=at.user.id, reference="same", asset=asset) for asset in ("A", "B")]
        ),
    ),
    "a balance below zero": (
        InsufficientFundsError,
        lambda at: at.tx.balances.apply([BalanceDeltaFactory.build(user_id=at.user.id, delta_free=-ONE)]),
    ),
    "deleting an order that holds": (ConflictError, _delete_while_it_holds),
}

HARMLESS: dict[str, tuple[type[MetacoreError], Offence]] = {
    "a user that does not exist": (NotFoundError, lambda at: at.tx.users.get(NOBODY)),
    "an update of nobody": (NotFoundError, lambda at: at.tx.users.update(NOBODY, UserPatch())),
    "deleting nobody": (NotFoundError, lambda at: at.tx.users.delete(NOBODY)),
    "an order of nobody": (
        NotFoundError,
        lambda at: at.tx.orders.create(NewOrderFactory.build(user_id=NOBODY)),
    ),
    "orders of nobody": (
        NotFoundError,
        lambda at: at.tx.orders.create_many(NewOrderFactory.build(user_id=user_id) for user_id in (at.user.id, NOBODY)),
    ),
    "another user's order": (NotFoundError, lambda at: at.tx.orders.delete(at.other.id, at.order.id)),
    "an update of another user's order": (
        NotFoundError,
        lambda at: at.tx.order_updates.append_many(
            [NewOrderUpdateFactory.build(of=at.order), NewOrderUpdateFactory.build(of=at.order, user_id=at.other.id)]
        ),
    ),
    "a trade of nobody": (
        NotFoundError,
        lambda at: at.tx.trades.create(NewTradeFactory.build(user_id=NOBODY)),
    ),
    "a balance never had": (NotFoundError, lambda at: at.tx.balances.get(at.user.id, "NONE")),
    "a balance of nobody": (
        NotFoundError,
        lambda at: at.tx.balances.put(NOBODY, "USDT", ONE, ZERO),
    ),
    "changes of nobody's balance": (
        NotFoundError,
        lambda at: at.tx.balances.apply(
            [BalanceDeltaFactory.build(user_id=user_id) for user_id in (at.user.id, NOBODY)]
        ),
    ),
    "an audit of nobody": (NotFoundError, lambda at: at.tx.balances.audit(NOBODY)),
    "a stale version of a user": (
        StaleVersionError,
        lambda at: at.tx.users.update(at.user.id, UserPatch(username="stale"), expected_version=9),
    ),
    "a stale version of an order": (
        StaleVersionError,
        lambda at: at.tx.save(Changes(orders=(at.order.changed(version=9),))),
    ),
    "credentials without keys to encrypt them": (
        ConfigurationError,
        lambda at: at.tx.users.set_credentials(at.user.id, CREDENTIALS),
    ),
    "a user by an API key, without keys": (ConfigurationError, lambda at: at.tx.users.get_by_api_key("key")),
    "a limit of zero": (InvalidDataError, lambda at: at.tx.orders.list(at.user.id, limit=0)),
    "a cursor that is none": (InvalidDataError, lambda at: at.tx.users.list(after="garbage")),
    "a text with NUL": (InvalidDataError, lambda at: at.tx.users.get_by_username("\0")),
    "a negative balance": (
        InvalidDataError,
        lambda at: at.tx.balances.put(at.user.id, "USDT", -ONE, ZERO),
    ),
    "a balance beyond the digits": (
        InvalidDataError,
        lambda at: at.tx.balances.apply(
            [BalanceDeltaFactory.build(user_id=at.user.id, delta_free=Decimal(10**38 - 1)) for _ in range(2)]
        ),
    ),
}
