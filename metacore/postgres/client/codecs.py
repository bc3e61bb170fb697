"""Rows to models and back: columns are named as fields, parameters go as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import repeat
from operator import is_, itemgetter
from typing import Any, TypeVar
from uuid import UUID

from metacore.domain.holdings.portfolios import Holding
from metacore.domain.market.bars import BarPart
from metacore.domain.messages.claims import KeyProgress
from metacore.domain.messages.dead_letters import DeadLetter, Resolution
from metacore.domain.messages.events import Event
from metacore.domain.people.logins import Login
from metacore.domain.people.sessions import Session
from metacore.domain.people.users import KycStatus, User
from metacore.domain.trading.archiving import ArchivePart
from metacore.domain.trading.balances import Balance, BalanceEntry, BalanceHead, EntryReason
from metacore.domain.trading.order_updates import OrderUpdate, UpdateOutcome, UpdateSource
from metacore.domain.trading.orders import Order, OrderSide, OrderStatus, OrderType, TimeInForce
from metacore.domain.trading.reservations import Reservation, ReservationState
from metacore.domain.trading.trades import Trade, TradeState
from metacore.domain.trading.user_transfers import UserTransfer
from metacore.domain.values.json_text import json_text, load_frozen_json
from metacore.domain.values.model import Model
from metacore.domain.values.secrets import Secret
from metacore.postgres.client.decoding import Decoder

M = TypeVar("M", bound=Model)
Parameters = Mapping[str, str | None]


class Codec(Decoder[M]):
    """One model and its columns, which are the model's fields in their order."""

    def __init__(self, model: type[M], decoders: Mapping[str, Callable[[Any], Any]]) -> None:
        super().__init__(model, decoders)
        self._json = frozenset(name for name, decoder in decoders.items() if decoder is load_frozen_json)

    def encode(self, model: M) -> dict[str, Any]:
        """The parameters that store `model`, by column: the values of its fields, not to be changed."""
        return vars(model)

    def encode_all(self, models: Sequence[Model], columns: Iterable[str] | None = None) -> dict[str, str | None]:
        """The parameters that store `models`: for each column one array."""
        json, names = self._json, columns or self.columns
        if len(models) == 1:
            values = models[0].__dict__
            return {
                name: to_json_array((values[name],)) if name in json else f"{{{_to_element(values[name])}}}"
                for name in names
            }
        rows = [model.__dict__ for model in models]
        return {
            name: (to_json_array if name in json else to_array)([values[name] for values in rows]) for name in names
        }


def of_user(codec: Codec[Any], user_id: UUID, models: Iterable[Model], columns: Iterable[str]) -> dict[str, str | None]:
    """The parameters that store `models`, all of one user: an array for each of `columns` but the user's."""
    values = codec.encode_all(tuple(models), [name for name in columns if name != "user_id"])
    values["user_id"] = str(user_id)
    return values


def to_text(value: Any) -> str | None:
    """`value` as PostgreSQL reads it for a column of its type."""
    return None if value is None else _TEXTS[type(value)](value)


def to_parameters(values: Mapping[str, Any], names: Iterable[str]) -> list[bytes | None]:
    """The values of `names`, as PostgreSQL reads them for columns of their types."""
    return [
        None
        if (value := values[name]) is None
        else (value if type(value) is str else _TEXTS[type(value)](value)).encode()
        for name in names
    ]


def to_array(values: Iterable[Any]) -> str:
    """`values` as a PostgreSQL array."""
    return "{" + ",".join(_column(list(values), _to_element, _need_no_quotes, _TEXTS_OF_ELEMENTS)) + "}"


def _column(
    values: Sequence[Any], to_cell: Callable[[Any], str], need_nothing: Callable[[Sequence[str]], bool], texts: _Texts
) -> Sequence[str]:
    """What `to_cell` makes of each of `values`, found for all at once where they are alike; `need_nothing` says whether
    strings can stand as they are, `texts` what makes the texts of others.
    """
    if not values:
        return ()
    first = values[0]
    if len(values) == 1 or all(map(is_, values, repeat(first))):
        # Columns of a set often repeat one object: a user, a time, None.
        return [to_cell(first)] * len(values)
    kind = type(first)
    if {*map(type, values)} == {kind}:
        if kind in _PLAIN:
            return list(map(texts[kind], values))
        if issubclass(kind, str) and need_nothing(values):
            return values
    return list(map(to_cell, values))


JSON_SEPARATOR = "\x1e"
"""What stands between JSON texts that go together: no such text has it, so that none of them needs to be quoted."""


def to_json_array(values: Iterable[Mapping[str, Any] | str | None]) -> str:
    """`values` as the JSON texts that the server takes for an array of json; nothing for None."""
    return JSON_SEPARATOR.join(["" if value is None else json_text(value) for value in values])


def _need_no_quotes(texts: Sequence[str]) -> bool:
    """Whether all of `texts` can stand in an array as they are: looked at together, they cost next to nothing."""
    joined = "".join(texts)
    # Of bytes the questions are answered ten times as fast.
    plain = joined.encode().translate(None, _HARMLESS) if joined.isascii() else b""
    return plain.isalnum() and "" not in texts and b"null" not in plain.lower()


_HARMLESS = b"-_.:/"
"""What an array may hold without quotes, beside letters and digits."""


def _to_element(value: Any) -> str:
    if value is None:
        return "NULL"
    kind = type(value)
    if kind in _PLAIN:
        return _TEXTS[kind](value)
    text = value if isinstance(value, str) else _TEXTS[type(value)](value)
    if text.isalnum() and text.lower() != "null":
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Texts(dict[type, Callable[[Any], str]]):
    """What makes values into text, by their type."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        encoder = json_text if issubclass(kind, Mapping) else to_array if issubclass(kind, tuple | list) else str
        self[kind] = encoder
        return encoder


_TEXTS = _Texts(
    {
        UUID: lambda value: value.bytes.hex(),
        datetime: datetime.isoformat,
        bytes: lambda value: f"\\x{value.hex()}",
    }
)
# What a decision is about happened at one moment, which several of its columns have.
_TEXTS_OF_ELEMENTS = _Texts({**_TEXTS, datetime: lru_cache(4096)(datetime.isoformat)})
_PLAIN = frozenset({Decimal, int, UUID, datetime, bool})
"""Types whose text needs no quotes in an array."""


def copy_lines(models: Iterable[Model], columns: Sequence[str]) -> str:
    """The `columns` of `models` in COPY's text format, a line for each."""
    values = itemgetter(*columns)
    rows = [values(model.__dict__) for model in models]
    cells = [_column(column, _to_cell, _need_no_escapes, _TEXTS) for column in zip(*rows, strict=True)]
    return "".join(["\t".join(line) + "\n" for line in zip(*cells, strict=True)])


def _to_cell(value: Any) -> str:
    return r"\N" if value is None else _TEXTS[type(value)](value).translate(_COPY_ESCAPES)


def _need_no_escapes(texts: Sequence[str]) -> bool:
    joined = "".join(texts)
    return not any(mark in joined for mark in "\\\t\n\r")


_COPY_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


USER = Codec(User, {"kyc_status": KycStatus, "permissions": tuple, "balances_contrary": tuple})

ORDER = Codec(
    Order,
    {
        "side": OrderSide,
        "type": OrderType,
        "time_in_force": TimeInForce,
        "status": OrderStatus,
        "raw": load_frozen_json,
    },
)

ORDER_UPDATE = Codec(
    OrderUpdate,
    {
        "previous_status": OrderStatus,
        "status": OrderStatus,
        "outcome": UpdateOutcome,
        "source": UpdateSource,
        "raw": load_frozen_json,
    },
)

TRADE = Codec(Trade, {"side": OrderSide, "state": TradeState, "raw": load_frozen_json})

RESERVATION = Codec(Reservation, {"state": ReservationState})

USER_TRANSFER = Codec(UserTransfer, {})

BALANCE = Codec(Balance, {})

BALANCE_ENTRY = Codec(BalanceEntry, {"reason": EntryReason})

BALANCE_HEAD = Codec(BalanceHead, {})

HOLDING = Codec(Holding, {})

ARCHIVE_PART = Codec(ArchivePart, {})

BAR_PART = Codec(BarPart, {})

DEAD_LETTER = Codec(DeadLetter, {"headers": load_frozen_json, "resolution": Resolution})

EVENT = Codec(Event, {"payload": load_frozen_json, "headers": load_frozen_json})

KEY_PROGRESS = Codec(KeyProgress, {})

LOGIN = Codec(Login, {"password_hash": Secret})

SESSION = Codec(Session, {})
