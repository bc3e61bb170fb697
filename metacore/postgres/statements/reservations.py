"""Statements of the storage of reservations, and of the transactions that change them."""

from __future__ import annotations

from functools import cache

from metacore.domain.trading.reservations import NewReservation
from metacore.postgres.client.codecs import RESERVATION
from metacore.postgres.client.statement import Statement
from metacore.postgres.statements.sets import (
    OF_USER,
    behind,
    created,
    equal,
    inserted,
    looked_up,
    names,
    ordered,
    parameters,
    replaced,
    replaced_one,
    rows,
    without,
)
from metacore.postgres.tables.reservations import (
    HOLDING_RESERVATIONS,
    LISTED_RESERVATIONS,
    PENDING_RESERVATIONS,
    RESERVATIONS_BY_STATE,
    reservations,
)

_SELECT = f"SELECT {names(RESERVATION.columns)} FROM {{schema}}.reservations"

GET = Statement("reservations.get", f"{_SELECT} WHERE {equal(reservations, 'user_id', 'id')}")

GET_BY_REFERENCE = Statement(
    "reservations.get_by_reference", f"{_SELECT} WHERE {equal(reservations, 'user_id', 'asset', 'reference')}"
)


@cache
def page(of_state: bool, after: bool) -> Statement:
    """A page of the user's, newest first; only those in a state, only behind a position, if so."""
    where = [equal(reservations, "user_id"), RESERVATIONS_BY_STATE if of_state else LISTED_RESERVATIONS]
    if of_state:
        where.append(equal(reservations, "state"))
    if after:
        where.append(behind(reservations, "created_at", "id"))
    return Statement(
        "reservations.list",
        f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY created_at DESC, id DESC LIMIT %(limit)s::bigint",
    )


@cache
def due(after: bool) -> Statement:
    """A page of those of all users that expire at a moment or before, the first one first; only behind a position, if
    so.
    """
    where = [PENDING_RESERVATIONS, "expires_at <= %(before)s::timestamptz"]
    position = ("expires_at", "user_id", "id")
    if after:
        where.append(f"({names(position)}) > ({parameters(reservations, position)})")
    return Statement(
        "reservations.list_due",
        f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY {names(position)} LIMIT %(limit)s::bigint",
    )


_REFERENCE = ("asset", "reference")
_ID = f"reservations.{OF_USER} AND reservations.id = named.id"


@cache
def lock(by_id: bool, by_reference: bool, holding: bool, skip_locked: bool) -> Statement:
    """Loads and locks, by id, the user's reservations with these ids, with these references and, if so, all that hold
    funds; if so, but for those that another transaction has locked.
    """
    found = []
    if by_id:
        found.append(f"SELECT id FROM {rows(reservations, ['id'], 'sought')}")
    if by_reference:
        on = f"r.{OF_USER} AND r.asset = sought.asset AND r.reference = sought.reference"
        sought = rows(reservations, _REFERENCE, "sought")
        found.append(f"SELECT r.id FROM {sought} {looked_up(('r.id',), 'reservations AS r', on, 'r')}")
    if holding:
        found.append(f"SELECT id FROM {{schema}}.reservations WHERE reservations.{OF_USER} AND {HOLDING_RESERVATIONS}")
    named = f"({' UNION '.join(found)} ORDER BY id) AS named"
    locked = looked_up(RESERVATION.columns, "reservations", _ID, lock=True, skip_locked=skip_locked)
    return Statement("load", f"SELECT found.* FROM {named} {locked}")


CHECK = Statement(
    "save",
    f"SELECT found.* FROM {ordered(reservations, ['id'])}"
    f" {looked_up(('user_id', 'id', 'version'), 'reservations', _ID, lock=True)}",
)

INSERT = Statement("save", inserted(reservations, RESERVATION.columns), writes=True)
INSERT_ONE = Statement("save", created(reservations, RESERVATION.columns), writes=True)

_CHANGED = without(RESERVATION.columns, *NewReservation.model_fields, "created_at")
"""The columns of a reservation that a decision may change."""

REPLACE = Statement("save", replaced(reservations, RESERVATION.columns, ("user_id", "id"), _CHANGED), writes=True)
REPLACE_ONE = Statement("save", replaced_one(reservations, ("user_id", "id"), _CHANGED), writes=True)

AUDIT = Statement(
    "balances.audit",
    "SELECT asset, trim_scale(sum(held_amount)) FROM {schema}.reservations"
    f" WHERE reservations.{OF_USER} AND {HOLDING_RESERVATIONS} GROUP BY asset",
)
"""What the user's reservations hold of each asset."""
