"""SQLModel: pydantic models that are rows of SQLAlchemy's ORM."""

# No annotations from __future__: SQLModel reads them when the class is made.

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Column, DateTime, create_engine, make_url
from sqlmodel import Field, Session, SQLModel, select

from .by_hand import order_row
from .peer import BlockingPeer
from .sql import S
from .stage import SYMBOL, new_order

_MOMENT: Any = DateTime(timezone=True)


class SqlModelOrder(SQLModel, table=True):
    __tablename__ = "orders"
    __table_args__ = {"schema": S}

    user_id: UUID = Field(primary_key=True)
    id: UUID = Field(primary_key=True)
    symbol: str
    base_asset: str
    quote_asset: str
    side: str
    type: str
    time_in_force: str | None = None
    status: str
    price: Decimal | None = None
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    stop_price: Decimal | None = None
    executed_quantity: Decimal
    executed_quote_quantity: Decimal
    exchange_order_id: str | None = None
    client_order_id: str | None = None
    reason: str | None = None
    transacted_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    raw: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    settled_quantity: Decimal
    settled_quote_quantity: Decimal
    held_asset: str | None = None
    held_amount: Decimal
    placed_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    version: int
    created_at: datetime = Field(sa_type=_MOMENT)
    updated_at: datetime = Field(sa_type=_MOMENT)


class SqlModel(BlockingPeer):
    name = "SQLModel"

    def open(self) -> None:
        super().open()
        url = make_url(self.url).set(drivername="postgresql+psycopg")
        self.engine = create_engine(url, pool_size=self.workers, max_overflow=0)

    def close(self) -> None:
        self.engine.dispose()
        super().close()

    def get(self, worker: int) -> int:
        [account] = self.accounts("get", worker)
        with Session(self.engine) as session:
            order = session.get(SqlModelOrder, (account.user_id, account.order_ids[0]))
            assert order is not None
            assert order.symbol == SYMBOL
        return 1

    def create(self, worker: int) -> int:
        [account] = self.accounts("create", worker)
        with Session(self.engine, expire_on_commit=False) as session:
            session.add(SqlModelOrder(**order_row(new_order(account.user_id), datetime.now(UTC))))
            session.commit()
        return 1

    def list_1000(self, worker: int) -> int:  # noqa: ARG002
        query: Any = select(SqlModelOrder).where(SqlModelOrder.user_id == self.stage.listing.user_id)
        columns: Any = SqlModelOrder
        with Session(self.engine) as session:
            rows = session.exec(query.order_by(columns.created_at.desc(), columns.id.desc()).limit(1000)).all()
        return len(rows) and 1
