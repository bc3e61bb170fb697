"""What all models keep to: nothing that is handed out changes what others see, and JSON says what the model says."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from pydantic import ValidationError

import metacore
from metacore import (
    AccountBalance,
    Credentials,
    InvalidDataError,
    KycStatus,
    NewOrder,
    NewTrade,
    NewUser,
    Order,
    Outcome,
    ReportResult,
    SettlementResult,
    User,
    UserPatch,
)
from metacore.domain.values.model import Model, build, revised, unchecked, unchecked_maker
from metacore.domain.values.text import require_integer
from metacore.testing.cases import each_case
from metacore.testing.factories import ExecutionReportFactory, NewOrderFactory, NewTradeFactory

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_the_set_of_fields_is_nobody_elses():
    users = [User.created(NewUser(), NOW) for _ in range(2)]
    users[0].model_fields_set.clear()
    assert users[1].model_fields_set == users[0].model_fields_set == set(User.model_fields)
    patch = UserPatch(email=None)
    patch.model_fields_set.add("username")
    assert patch.named_values() == {"email": None}


RAW = {
    "numbers": [
        Decimal("1e999"),
        Decimal("1E-999"),
        Decimal("-0.0"),
        Decimal("1.1234567890123456789012345"),
        2**63 - 1,
    ],
    "texts": ["\\u00001", '"\\u00005"', "1.5"],
    "deep": {"one": Decimal("1.0"), "two": [[Decimal("0.1")]]},
}


def with_raw() -> list[Model]:
    order = NewOrderFactory.build(user_id=UUID(int=1), raw=RAW)
    report = ExecutionReportFactory.build(of=order, raw=RAW)
    return [order, NewTradeFactory.build(of=order, raw=RAW), report.model_copy(update={"order": order})]


@each_case("model", with_raw())
@each_case("options", [{}, {"indent": 2}, {"exclude_none": True}])
def test_json_keeps_every_number_of_raw_to_the_digit(model, options):
    text = model.model_dump_json(**options)
    for document in (text, text.encode()):
        back = type(model).model_validate_json(document)
        assert back == model
        assert back.model_dump_json(**options) == text
    numbers = json.loads(text, parse_float=Decimal)["raw"]["numbers"]
    assert [str(number) for number in numbers] == [str(number) for number in RAW["numbers"]]


def test_what_no_float_is_equal_to_is_text_in_the_json_of_pydantic():
    dumped = with_raw()[0].model_dump(mode="json")["raw"]
    assert dumped["numbers"] == ["1E+999", "1E-999", -0.0, "1.1234567890123456789012345", 2**63 - 1]
    assert dumped["deep"] == {"one": 1.0, "two": [[0.1]]}


@pytest.mark.parametrize(
    "number",
    ["NaN", "-Infinity", "1e1000", "1e9999999999999999999", "9223372036854775808", "1" * 5000, "0." + "1" * 5000],
)
def test_a_number_that_json_cannot_hold_is_refused(number):
    text = with_raw()[0].model_dump_json().replace("1E+999", number)
    with pytest.raises(ValidationError):
        NewOrder.model_validate_json(text)


@pytest.mark.parametrize("values", [{}, {"email": None}, {"is_active": False, "permissions": ("SPOT",)}])
def test_the_json_of_a_patch_changes_what_the_patch_changes(values):
    patch = UserPatch(**values)
    assert json.loads(patch.model_dump_json()).keys() == values.keys()
    assert UserPatch.model_validate_json(patch.model_dump_json()).named_values() == values
    assert UserPatch.model_validate(patch.model_dump()).named_values() == values


@pytest.mark.parametrize("result", [ReportResult, SettlementResult])
def test_the_json_of_a_result_tells_its_error_but_no_payload(result):
    error = InvalidDataError("must not be negative", field="price", raw=b"secret")
    written = json.loads(result(outcome=Outcome.INVALID, error=error).model_dump_json())
    assert written["error"] == {"type": "InvalidDataError", "message": "price: must not be negative"}
    assert result(outcome=Outcome.INVALID, error=error).model_dump()["error"] is error


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, True, 1.0, "1"])
def test_an_integer_that_is_none_of_64_bits_is_named(value):
    require_integer(least=-(2**63), greatest=2**63 - 1, absent=None)
    with pytest.raises(InvalidDataError) as caught:
        require_integer(telegram_id=value)
    assert caught.value.field == "telegram_id"


def test_a_copy_with_other_values_is_checked():
    order = NewOrder(
        user_id=NewUser().id,
        symbol="BTCUSDT",
        base_asset="BTC",
        quote_asset="USDT",
        side="BUY",
        type="LIMIT",
        price="1",
        quantity="2",
    )
    raw = {"fills": [1]}
    copy = order.model_copy(update={"price": "3.50", "raw": raw})
    raw["fills"].append(2)
    assert copy == order.changed(price=Decimal("3.5"), raw={"fills": (1,)})
    assert (copy.id, copy.model_fields_set) == (order.id, order.model_fields_set | {"raw"})
    assert order.model_copy() == order == order.model_copy(deep=True)
    for wrong in ({"price": 3.5}, {"price": None}, {"symbol": ""}, {"no_such_field": 1}):
        for change in (order.changed, lambda **values: order.model_copy(update=values)):
            with pytest.raises(ValidationError):
                change(**wrong)
    for patch in (
        UserPatch(email=None).model_copy(update={"is_active": False}),
        UserPatch(email=None).changed(is_active=False),
    ):
        assert patch.named_values() == {"email": None, "is_active": False}
        for change in (patch.changed, lambda patch=patch, **values: patch.model_copy(update=values)):
            with pytest.raises(ValidationError):
                change(is_active=None)


def test_whatever_is_changed_is_checked():
    user = User(id=UUID(int=1), created_at=NOW, updated_at=NOW)
    assert user.changed() is user
    assert user.changed(kyc_status="PRIMARY").kyc_status is KycStatus.PRIMARY
    for wrong in ({"kyc_status": "whatever"}, {"nonsense": 1}, {"username": 7}, {"created_at": None}):
        with pytest.raises(ValidationError):
            user.changed(**wrong)
    secret = Credentials(api_key="a", api_secret="b").changed(api_key="canary")
    assert (secret.api_key.get_secret_value(), "canary" in repr(secret)) == ("canary", False)
    with pytest.raises(ValidationError):
        secret.changed(api_key="")


def test_what_is_not_checked_has_every_field_and_no_other():
    balance = AccountBalance(asset="BTC", free="1")
    whole = {"asset": "BTC", "free": Decimal(1), "locked": Decimal(0)}
    assert unchecked(AccountBalance, dict(whole)) == balance == revised(balance)
    assert revised(balance, free=Decimal(2)) == AccountBalance(asset="BTC", free="2")
    with pytest.raises(TypeError, match=r"AccountBalance .* missing=\['free'\], unknown=\['nonsense'\]"):
        unchecked(AccountBalance, {"asset": "BTC", "locked": Decimal(0), "nonsense": 1})
    assert unchecked_maker(AccountBalance, whole)(dict(whole)) == balance
    with pytest.raises(TypeError, match=r"missing=\['locked'\]"):
        unchecked_maker(AccountBalance, ("asset", "free"))
    with pytest.raises(TypeError, match=r"missing=\[\], unknown=\['nonsense'\]"):
        revised(balance, nonsense=1)


def test_nothing_public_makes_a_model_unchecked():
    for name in ("unchecked", "unchecked_maker", "revised", "trusted", "restored"):
        assert not hasattr(metacore, name)
        assert not hasattr(Model, name)


def test_what_is_derived_looks_as_what_is_stored_does():
    order = Order(
        user_id=NewUser().id,
        symbol="BTCUSDT",
        base_asset="BTC",
        quote_asset="USDT",
        side="SELL",
        type="MARKET",
        quantity="0.35",
        executed_quantity="0.05",
        created_at=NOW,
        updated_at=NOW,
    )
    assert str(order.remaining_quantity) == "0.3"
    assert str(AccountBalance(asset="BTC", free="0.25", locked="0.75").total) == "1"


USER = UUID(int=1)
ORDER = {
    "user_id": USER,
    "symbol": "BTCUSDT",
    "base_asset": "BTC",
    "quote_asset": "USDT",
    "side": "BUY",
    "type": "LIMIT",
}
TRADE = {
    "user_id": USER,
    "symbol": "BTCUSDT",
    "exchange_trade_id": "1",
    "side": "BUY",
    "price": 1,
    "quantity": 1,
    "traded_at": "2026-01-31T12:00:00Z",
}


@pytest.mark.parametrize(
    ("model", "values", "fields"),
    [
        (NewOrder, ORDER | {"type": "MARKET"}, "quantity, quote_quantity"),
        (NewOrder, ORDER | {"quantity": 1}, "price, quantity"),
        (NewOrder, ORDER | {"price": 1, "quantity": 1, "quote_asset": "BTC"}, "base_asset, quote_asset"),
        (NewTrade, TRADE, "order_id, exchange_order_id, client_order_id"),
        (NewTrade, TRADE | {"exchange_order_id": "1", "commission": 1}, "commission, commission_asset"),
        (NewTrade, TRADE | {"exchange_order_id": "1", "price": "9" * 38, "quantity": 20}, "price, quantity"),
        (UserPatch, {"is_active": None}, "is_active"),
    ],
)
def test_an_error_of_fields_together_names_them(model, values, fields):
    with pytest.raises(ValidationError) as refused:
        model(**values)
    assert refused.value.errors()[0]["ctx"]["fields"] == fields.split(", ")
    with pytest.raises(InvalidDataError) as caught:
        build(model, values, within="items.3")
    assert caught.value.field == f"items.3.{fields}"
