"""The errors: one tree, with fields that survive a pickle, and messages that do not grow without bound."""

import pickle
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from metacore import errors
from metacore.domain.values.imports import import_conflict
from metacore.errors import MetacoreError
from metacore.postgres.client.errors import translate
from metacore.testing.cases import each_case

USER = UUID(int=1)

ERRORS = [
    errors.NotFoundError("order", (USER, "x" * 1000)),
    errors.AlreadyExistsError("user", "username", "alice"),
    errors.AlreadyExistsError("user", "username"),
    errors.ConflictError("differs", conflicts=tuple(map(str, range(20)))),
    errors.StaleVersionError("order", (USER, USER), expected=1, actual=2),
    errors.InvalidTransitionError("FILLED", "NEW", order_id=USER, hint="it is closed"),
    errors.InsufficientFundsError("USDT", needed=Decimal("1e-18"), available=Decimal(0), user_id=USER),
    errors.NotAllowedError(USER, "can_trade"),
    errors.SignInError(),
    errors.SignInError(locked_until="2026-01-31"),
    errors.TokenError("REUSED"),
    errors.InvalidDataError("is wrong", field="price", raw=b"payload"),
    errors.ArchivedError("2026-01-31", field="traded_at"),
    errors.ExchangeError(30002, "x" * 1000, raw=b"payload"),
    errors.ExchangeError("7" * 1000, None, field="1.code"),
    errors.SubscriptionError(("spot@" + "x" * 1000,), "y" * 1000, msg="payload"),
    errors.ConfigurationError("is missing", setting="url"),
    errors.MissingKeyError("2025", user_id=USER),
    errors.DecryptionError("2025", user_id=USER),
    errors.TransactionAbortedError("doomed"),
    errors.RetryableError("again"),
    errors.LockTimeoutError("again"),
    errors.StatementTimeoutError("too long"),
    errors.OutcomeUnknownError("nobody knows"),
    errors.StorageUnavailableError("gone"),
    errors.StorageClosedError("closed"),
    errors.ConnectionLostError("cut"),
    errors.PoolTimeoutError("busy", pool={"pool_size": 1}, cause="refused"),
    errors.SchemaError("old", current="0001", expected="0002"),
]


@each_case("error", ERRORS)
def test_an_error_pickles_with_its_fields(error):
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error)
    assert vars(twin) == vars(error)
    assert str(twin) == str(error)


def test_every_error_is_here():
    kinds = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, MetacoreError)}
    assert kinds - {MetacoreError} <= {type(error) for error in ERRORS}


@each_case("error", ERRORS)
def test_a_message_is_short_and_holds_no_payload(error):
    assert 0 < len(str(error)) < 300
    assert "payload" not in repr(error)
    assert "E-" not in str(error)


def test_conflicts_name_up_to_ten():
    assert len(ERRORS[3].conflicts) == 10


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (errors.NotFoundError("order", (USER, USER)), "check the key and whose it is, or create it first"),
        (import_conflict("orders", ["1"]), "import without them"),
        (
            translate(psycopg.errors.InternalError_(), "orders.get", "metacore"),
            "XX000; nothing of it is stored. Look for",
        ),
    ],
)
def test_a_message_says_what_to_do_next(error, advice):
    assert advice in str(error)
