"""Any text comes back as it went in and is found by itself, or is refused."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from metacore.domain.commerce.order_records import OrderRecord, OrderRecordDelivery, OrderRecordItem, OrderRecordPayment
from metacore.domain.people.credentials import Credentials
from metacore.domain.people.users import NewUser, User
from metacore.domain.trading.asset_names import folded
from metacore.domain.trading.order_updates import NewOrderUpdate
from metacore.domain.trading.orders import NewOrder
from metacore.domain.trading.trades import NewTrade
from metacore.domain.values.model import Model, unchecked
from metacore.domain.values.pages import Page
from metacore.domain.values.secrets import MASK
from metacore.errors import AlreadyExistsError, ConflictError, InvalidDataError, NotFoundError
from metacore.sync.storage.storage import Storage
from metacore.testing import factories
from metacore.testing.contract.samples import HOSTILE_TEXTS, SPOILT_TEXTS

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=300),
    st.sampled_from([*HOSTILE_TEXTS, *SPOILT_TEXTS, "", "x" * 256]),
)
"""Any text at all: also what cannot be stored."""


def is_storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def is_key(text: str) -> bool:
    return is_storable(text) and 1 <= len(text) <= 255


def text_fields(model: type[Model]) -> list[str]:
    """The names of the fields that are checked as text."""
    return [
        name
        for name, field in model.model_fields.items()
        if "parse_text" in repr((field.annotation, field.metadata)) and name != "date_created"
    ]


JSON = st.recursive(
    st.one_of(TEXTS, st.integers(-(2**63), 2**63 - 1), st.booleans(), st.none()),
    lambda values: st.one_of(st.lists(values, max_size=4), st.dictionaries(TEXTS, values, max_size=4)),
    max_leaves=10,
)


Store = Callable[[Storage, User, dict[str, Any]], tuple[Model, Model]]


def store_user(storage: Storage, user: User, fields: dict[str, Any]) -> tuple[Model, Model]:
    created = storage.users.create(factories.NewUserFactory.build(**fields))
    return created, storage.users.get(created.id)


def store_order(storage: Storage, user: User, fields: dict[str, Any]) -> tuple[Model, Model]:
    created = storage.orders.create(factories.NewOrderFactory.build(user_id=user.id, **fields))
    return created, storage.orders.get(*created.key)


def import_order(storage: Storage, user: User, fields: dict[str, Any]) -> tuple[Model, Model]:
    new = factories.NewOrderFactory.build(user_id=user.id, **fields)
    if storage.orders.create_many([new]).duplicates:
        raise ConflictError("the same order was imported before")
    stored = storage.orders.get(user.id, new.id)
    return new, unchecked(NewOrder, {name: stored.fields()[name] for name in NewOrder.model_fields})


def store_order_update(storage: Storage, user: User, fields: dict[str, Any]) -> tuple[Model, Model]:
    order = storage.orders.create(factories.NewOrderFactory.build(user_id=user.id))
    appended = storage.order_updates.append(factories.NewOrderUpdateFactory.build(of=order, **fields))
    return appended, storage.order_updates.list(*order.key)[0]


def store_trade(storage: Storage, user: User, fields: dict[str, Any]) -> tuple[Model, Model]:
    created = storage.trades.create(factories.NewTradeFactory.build(user_id=user.id, **fields))
    return created, storage.trades.get(user.id, created.id)


def import_trade(storage: Storage, user: User, fields: dict[str, Any]) -> tuple[Model, Model]:
    new = factories.NewTradeFactory.build(user_id=user.id, **fields)
    if storage.trades.create_many([new]).duplicates:
        raise ConflictError("the same trade was imported before")
    stored = storage.trades.get(user.id, new.id)
    expected = new.changed(quote_quantity=stored.quote_quantity)
    return expected, unchecked(NewTrade, {name: stored.fields()[name] for name in NewTrade.model_fields})


def store_order_record(storage: Storage, user: User, fields: dict[str, Any]) -> tuple[Model, Model]:
    record = factories.OrderRecordFactory.build(**fields)
    storage.order_records.save_many([record])
    return record, storage.order_records.get(record.order_uid)


def store_order_record_parts(storage: Storage, user: User, fields: dict[str, Any]) -> tuple[Model, Model]:
    parts = {
        part.__name__.removeprefix("OrderRecord").lower(): {name: fields[name] for name in text_fields(part)}
        for part in (OrderRecordDelivery, OrderRecordPayment, OrderRecordItem)
    }
    record = factories.OrderRecordFactory.build(
        delivery=parts["delivery"], payment=parts["payment"], items=[parts["item"], parts["item"]]
    )
    storage.order_records.save(record)
    return record, storage.order_records.get(record.order_uid)


PARTS = {name for part in (OrderRecordDelivery, OrderRecordPayment, OrderRecordItem) for name in text_fields(part)}

STORES: list[tuple[Store, set[str], bool]] = [
    (store_user, set(text_fields(NewUser)), False),
    (store_order, set(text_fields(NewOrder)), True),
    (import_order, set(text_fields(NewOrder)), True),
    (store_order_update, set(text_fields(NewOrderUpdate)), True),
    (store_trade, set(text_fields(NewTrade)), True),
    (import_trade, set(text_fields(NewTrade)), True),
    (store_order_record, set(text_fields(OrderRecord)), False),
    (store_order_record_parts, PARTS, False),
]
"""How a row is stored, its fields that are text, and whether it has raw JSON."""


def clean(text: str) -> str:
    """A key made of `text`."""
    return "".join(character for character in text if is_storable(character))[:255] or "x"


def texts_of(value: Any) -> Iterator[str]:
    """All texts within `value`."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for item in value.items() for text in texts_of(item))
    elif isinstance(value, list | tuple):
        yield from (text for item in value for text in texts_of(item))


LOOK_UPS: list[tuple[Callable[[Storage, User, str], Any], Any]] = [
    (lambda storage, user, text: storage.users.get_by_uid("no" + text, text), NotFoundError),
    (lambda storage, user, text: storage.users.get_by_username("no" + text), NotFoundError),
    (lambda storage, user, text: storage.users.get_by_email("no" + text), NotFoundError),
    (lambda storage, user, text: storage.users.get_by_api_key("no" + text), NotFoundError),
    (lambda storage, user, text: storage.orders.get_by_client_order_id(user.id, "no" + text), NotFoundError),
    (lambda storage, user, text: storage.orders.get_by_exchange_order_id(user.id, "no" + text), NotFoundError),
    (lambda storage, user, text: storage.orders.list_open(user.id, "no" + text), ()),
    (lambda storage, user, text: storage.trades.get_by_exchange_trade_id(user.id, text, "no" + text), ()),
    (lambda storage, user, text: storage.balances.get(user.id, "no" + text), NotFoundError),
    (lambda storage, user, text: storage.balances.get_many([(user.id, "no" + text)]), ()),
    (lambda storage, user, text: storage.balances.entries(user.id, "no" + text), Page(())),
    (lambda storage, user, text: storage.portfolios.holders("no" + text), Page(())),
    (lambda storage, user, text: storage.order_records.get("no" + text), NotFoundError),
    (lambda storage, user, text: storage.order_records.find("no" + text), ()),
    (lambda storage, user, text: storage.order_records.list_by_customer("no" + text), Page(())),
]
"""Every look-up by a text, and what it gives where there is nothing."""


def test_the_fields_that_are_text_are_found() -> None:
    assert STORES[0][1] == {"exchange", "uid", "username", "email", "account_type", "permissions"}
    assert STORES[1][1] > {"symbol", "base_asset", "client_order_id", "reason"}
    assert {"name", "zip", "transaction", "rid"} < PARTS


UNIQUE = {
    *("uid", "username", "email", "client_order_id", "exchange_order_id", "exchange_trade_id", "order_uid"),
}
"""Texts that may not come twice; the strategy repeats itself."""


@pytest.mark.parametrize(("store", "names", "has_raw"), STORES, ids=lambda value: getattr(value, "__name__", ""))
@settings(max_examples=40)
@given(data=st.data())
def test_a_text_comes_back_as_it_went_in_or_is_refused(
    storage: Storage, user: User, store: Store, names: set[str], has_raw: bool, data: st.DataObject
) -> None:
    fields: dict[str, Any] = {name: data.draw(TEXTS, label=name) for name in sorted(names)}
    if data.draw(st.booleans(), label="only keys"):
        fields = {name: clean(text) for name, text in fields.items()}
    if "permissions" in fields:
        fields["permissions"] = (fields["permissions"],)
    if has_raw:
        fields["raw"] = data.draw(st.dictionaries(TEXTS, JSON, max_size=3), label="raw")
    try:
        expected, stored = store(storage, user, fields)
    except ValidationError:
        assert not all(map(is_key, texts_of(fields))) or fields["base_asset"] == fields["quote_asset"]
    except (AlreadyExistsError, ConflictError):
        assert names & UNIQUE
    else:
        assert all(map(is_storable, texts_of(fields)))
        assert stored == expected


@given(text=TEXTS)
def test_a_symbol_or_asset_comes_back_or_is_refused(storage: Storage, user: User, text: str) -> None:
    try:
        portfolio = storage.portfolios.put(user.id, text, Decimal(1))
    except InvalidDataError:
        assert not is_key(text) or not is_key(text.lower())
    else:
        assert portfolio == storage.portfolios.get(user.id)
        assert text.lower() in storage.portfolios.symbols()
        assert user.id in [holding.user_id for holding in storage.portfolios.holders(text).items]
    try:
        storage.balances.put(user.id, text, Decimal(1), Decimal(0))
    except InvalidDataError:
        # Refused, too, is the name of an asset that the user has in another case.
        names = {folded(balance.asset) for balance in storage.balances.list(user.id)}
        assert not is_key(text) or folded(text) in names
    else:
        assert storage.balances.get(user.id, text).asset == text
        assert {entry.asset for entry in storage.balances.entries(user.id, text).items} == {text}


@given(text=TEXTS)
def test_credentials_come_back_or_are_refused(storage: Storage, user: User, text: str) -> None:
    try:
        credentials = Credentials(api_key=text, api_secret=text, passphrase=text)
    except ValidationError:
        assert not is_storable(text) or text in ("", MASK)
    else:
        storage.users.set_credentials(user.id, credentials)
        assert storage.users.credentials(user.id) == credentials
        assert storage.users.get_by_api_key(text) == user


@given(text=TEXTS)
def test_what_is_looked_for_is_found_nowhere_or_refused(storage: Storage, user: User, text: str) -> None:
    for look_up, nothing in LOOK_UPS:
        try:
            found = look_up(storage, user, text)
        except NotFoundError:
            assert nothing is NotFoundError
        except InvalidDataError:
            assert not is_key("no" + text) or not is_key(f"no{text.lower()}")
        else:
            assert found == nothing
