"""The tables as an author maps them for SQLAlchemy, Core and ORM."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKeyConstraint, MetaData, Numeric, Text
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from .sql import S


class Base(DeclarativeBase):
    metadata = MetaData(schema=S)
    type_annotation_map = {  # noqa: RUF012
        Decimal: Numeric(asdecimal=True),
        datetime: DateTime(timezone=True),
        str: Text(),
        int: BigInteger(),
        dict[str, Any]: JSON(none_as_null=True),
    }


class User(Base):
    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    can_trade: Mapped[bool]


class Order(Base):
    __tablename__ = "orders"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    symbol: Mapped[str]
    base_asset: Mapped[str]
    quote_asset: Mapped[str]
    side: Mapped[str]
    type: Mapped[str]
    time_in_force: Mapped[str | None]
    status: Mapped[str]
    price: Mapped[Decimal | None]
    quantity: Mapped[Decimal | None]
    quote_quantity: Mapped[Decimal | None]
    stop_price: Mapped[Decimal | None]
    executed_quantity: Mapped[Decimal]
    executed_quote_quantity: Mapped[Decimal]
    exchange_order_id: Mapped[str | None]
    client_order_id: Mapped[str | None]
    reason: Mapped[str | None]
    transacted_at: Mapped[datetime | None]
    raw: Mapped[dict[str, Any] | None]
    settled_quantity: Mapped[Decimal]
    settled_quote_quantity: Mapped[Decimal]
    held_asset: Mapped[str | None]
    held_amount: Mapped[Decimal]
    placed_at: Mapped[datetime | None]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class OrderUpdate(Base):
    __tablename__ = "order_updates"
    __table_args__ = (ForeignKeyConstraint(["user_id", "order_id"], [f"{S}.orders.user_id", f"{S}.orders.id"]),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    previous_status: Mapped[str | None]
    status: Mapped[str]
    executed_quantity: Mapped[Decimal]
    executed_quote_quantity: Mapped[Decimal]
    outcome: Mapped[str]
    source: Mapped[str]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class Trade(Base):
    __tablename__ = "trades"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID | None]
    exchange_trade_id: Mapped[str]
    symbol: Mapped[str]
    side: Mapped[str]
    price: Mapped[Decimal]
    quantity: Mapped[Decimal]
    quote_quantity: Mapped[Decimal]
    commission: Mapped[Decimal]
    commission_asset: Mapped[str | None]
    traded_at: Mapped[datetime]
    state: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    order_key: Mapped[str]


class Balance(Base):
    __tablename__ = "balances"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    free: Mapped[Decimal]
    locked: Mapped[Decimal]
    unexplained: Mapped[Decimal]
    last_seq: Mapped[int]
    head: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class BalanceEntry(Base):
    __tablename__ = "balance_entries"
    __table_args__ = (ForeignKeyConstraint(["user_id", "asset"], [f"{S}.balances.user_id", f"{S}.balances.asset"]),)

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    asset: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    delta_free: Mapped[Decimal]
    delta_locked: Mapped[Decimal]
    delta_unexplained: Mapped[Decimal]
    free_after: Mapped[Decimal]
    locked_after: Mapped[Decimal]
    unexplained_after: Mapped[Decimal]
    reason: Mapped[str]
    reference: Mapped[str | None]
    occurred_at: Mapped[datetime]
    created_at: Mapped[datetime]
    hash: Mapped[str]
