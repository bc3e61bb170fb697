"""SQLAlchemy's ORM, on psycopg."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import create_engine, func, insert, make_url, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

import metacore

from . import sql
from .by_hand import ZERO, order_row, trade_rows
from .peer import BlockingPeer, WaitingPeer
from .stage import COMMISSION, FEE, PRICE, QUANTITY, QUOTE, SYMBOL, fill, new_order, new_trades, unique
from .tables import Balance, BalanceEntry, Order, OrderUpdate, Trade, User

_NEWEST = (Order.created_at.desc(), Order.id.desc())


class Orm(BlockingPeer):
    name = "SQLAlchemy ORM"

    def open(self) -> None:
        super().open()
        self.engine = create_engine(
            make_url(self.url).set(drivername="postgresql+psycopg"), pool_size=self.workers, max_overflow=0
        )
        self.sessions = sessionmaker(self.engine, expire_on_commit=False)

    def close(self) -> None:
        self.engine.dispose()
        super().close()

    def get(self, worker: int) -> int:
        [account] = self.accounts("get", worker)
        with self.sessions() as session:
            order = session.get(Order, (account.user_id, account.order_ids[0]))
            assert order is not None
            assert order.symbol == SYMBOL
        return 1

    def create(self, worker: int) -> int:
        [account] = self.accounts("create", worker)
        with self.sessions.begin() as session:
            session.add(Order(**order_row(new_order(account.user_id), datetime.now(UTC))))
        return 1

    def _list(self, offset: int, limit: int) -> Sequence[Order]:
        listed = Order.user_id == self.stage.listing.user_id
        with self.sessions() as session:
            query = select(Order).where(listed).order_by(*_NEWEST).offset(offset).limit(limit)
            return session.scalars(query).all()

    def list_1000(self, worker: int) -> int:  # noqa: ARG002
        return len(self._list(0, 1000)) and 1

    def first_page(self, worker: int) -> int:  # noqa: ARG002
        return len(self._list(0, self.size.page)) // self.size.page

    def last_page(self, worker: int) -> int:  # noqa: ARG002
        """By its number, as those who page by numbers do."""
        return len(self._list((self.size.last_page - 1) * self.size.page, self.size.page)) // self.size.page

    def bulk(self, worker: int) -> int:
        [account] = self.accounts("bulk", worker)
        rows = trade_rows(list(new_trades(account.user_id, self.size.bulk)), datetime.now(UTC))
        with self.sessions.begin() as session:
            session.execute(insert(Trade), [dict(zip(sql.TRADES, row, strict=True)) for row in rows])
        return len(rows)

    def deposit(self, worker: int) -> int:
        [account] = self.accounts("deposit", worker)
        user_id, reference, now = account.user_id, unique(), datetime.now(UTC)
        with self.sessions.begin() as session:
            self._lock_user(session, user_id)
            deposits = (BalanceEntry.user_id == user_id, BalanceEntry.reason == "DEPOSIT")
            if session.scalar(select(BalanceEntry).where(*deposits, BalanceEntry.reference == reference)) is None:
                [balance] = self._lock(session, user_id, [QUOTE], now)
                self._enter(session, balance, PRICE, ZERO, "DEPOSIT", reference, now)
        return 1

    def place(self, worker: int) -> int:
        [account] = self.accounts("place", worker)
        values, now = new_order(account.user_id), datetime.now(UTC)
        user_id, need = account.user_id, values["price"] * values["quantity"]
        with self.sessions.begin() as session:
            assert self._lock_user(session, user_id).can_trade
            same = Order.client_order_id == values["client_order_id"]
            if session.scalar(select(Order).where(Order.user_id == user_id, same)) is None:
                [balance] = self._lock(session, user_id, [QUOTE], now)
                assert balance.free >= need
                held = {"held_asset": QUOTE, "held_amount": need, "placed_at": now}
                order = Order(**order_row({**values, **held}, now))
                session.add(order)
                self._update(session, order, None, now, now, 0)
                self._enter(session, balance, -need, need, "HOLD", str(order.id), now)
        return 1

    def fill(self, worker: int) -> int:
        [account] = self.accounts("fill", worker)
        new, now = fill(account, self.turn()), datetime.now(UTC)
        user_id, cost = new.user_id, PRICE * QUANTITY
        with self.sessions.begin() as session:
            self._lock_user(session, user_id)
            named = (Order.user_id == user_id, Order.id == new.order_id)
            order = session.scalars(select(Order).where(*named).with_for_update()).one()
            same = (Trade.user_id == user_id, Trade.symbol == SYMBOL, Trade.exchange_trade_id == new.exchange_trade_id)
            if session.scalar(select(Trade).where(*same)) is not None:
                return 1
            assets = [order.base_asset, order.quote_asset, FEE]
            balances = {balance.asset: balance for balance in self._lock(session, user_id, assets, now)}
            values = {
                "exchange_trade_id": new.exchange_trade_id,
                "symbol": SYMBOL,
                "side": "BUY",
                "price": PRICE,
                "quantity": QUANTITY,
                "quote_quantity": cost,
                "commission": COMMISSION,
                "commission_asset": FEE,
                "traded_at": new.traded_at,
                "state": "SETTLED",
                "order_key": str(order.id),
            }
            stamps = {"version": 1, "created_at": now, "updated_at": now}
            trade = Trade(id=metacore.new_id(), user_id=user_id, order_id=order.id, **values, **stamps)
            session.add(trade)
            previous, order.status = order.status, "PARTIALLY_FILLED"
            order.executed_quantity += QUANTITY
            order.executed_quote_quantity += cost
            order.settled_quantity += QUANTITY
            order.settled_quote_quantity += cost
            order.held_amount -= cost
            order.version += 1
            order.updated_at = now
            newest = select(func.max(OrderUpdate.seq)).where(
                OrderUpdate.user_id == user_id, OrderUpdate.order_id == order.id
            )
            self._update(session, order, previous, new.traded_at, now, session.scalar(newest) or 0)
            for asset, free, locked, reason in (
                (order.quote_asset, ZERO, -cost, "TRADE"),
                (order.base_asset, QUANTITY, ZERO, "TRADE"),
                (FEE, -COMMISSION, ZERO, "COMMISSION"),
            ):
                self._enter(session, balances[asset], free, locked, reason, str(trade.id), now)
        return 1

    def _lock_user(self, session: Session, user_id: UUID) -> User:
        query = select(User).where(User.id == user_id).with_for_update(read=True, key_share=True)
        return session.scalars(query).one()

    def _lock(self, session: Session, user_id: UUID, assets: list[str], now: datetime) -> list[Balance]:
        named = (Balance.user_id == user_id, Balance.asset.in_(assets))
        found = list(session.scalars(select(Balance).where(*named).order_by(Balance.asset).with_for_update()))
        for asset in sorted(set(assets) - {balance.asset for balance in found}):
            zeros = dict.fromkeys(("free", "locked", "unexplained"), ZERO)
            stamps = {"last_seq": 0, "head": "", "version": 1, "created_at": now, "updated_at": now}
            found.append(Balance(user_id=user_id, asset=asset, **zeros, **stamps))
            session.add(found[-1])
        return found

    def _enter(
        self,
        session: Session,
        balance: Balance,
        free: Decimal,
        locked: Decimal,
        reason: str,
        reference: str,
        now: datetime,
    ) -> None:
        balance.free, balance.locked, balance.last_seq = (
            balance.free + free,
            balance.locked + locked,
            balance.last_seq + 1,
        )
        balance.version, balance.updated_at = balance.version + 1, now
        assert balance.free >= 0
        assert balance.locked >= 0
        deltas = {"delta_free": free, "delta_locked": locked, "delta_unexplained": ZERO, "unexplained_after": ZERO}
        after = {"free_after": balance.free, "locked_after": balance.locked, "occurred_at": now, "created_at": now}
        key = {"user_id": balance.user_id, "asset": balance.asset, "seq": balance.last_seq}
        session.add(BalanceEntry(**key, **deltas, **after, reason=reason, reference=reference, hash=""))

    def _update(
        self, session: Session, order: Order, previous: str | None, at: datetime, now: datetime, last: int
    ) -> None:
        sums = {name: getattr(order, name) for name in ("status", "executed_quantity", "executed_quote_quantity")}
        key = {"user_id": order.user_id, "order_id": order.id, "seq": last + 1}
        origin = {"outcome": "APPLIED", "source": "LOCAL", "occurred_at": at, "recorded_at": now}
        session.add(OrderUpdate(**key, **sums, **origin, previous_status=previous))


class OrmAsync(WaitingPeer):
    name = "SQLAlchemy ORM, async"
    driver = "postgresql+psycopg"

    async def connect(self) -> None:
        url = make_url(self.url).set(drivername=self.driver)
        self.engine = create_async_engine(url, pool_size=self.workers, max_overflow=0)
        self.sessions: async_sessionmaker[AsyncSession] = async_sessionmaker(self.engine, expire_on_commit=False)

    async def disconnect(self) -> None:
        await self.engine.dispose()

    async def get(self, worker: int) -> int:
        [account] = self.accounts("get", worker)
        async with self.sessions() as session:
            order = await session.get(Order, (account.user_id, account.order_ids[0]))
            assert order is not None
            assert order.symbol == SYMBOL
        return 1

    async def create(self, worker: int) -> int:
        [account] = self.accounts("create", worker)
        async with self.sessions.begin() as session:
            session.add(Order(**order_row(new_order(account.user_id), datetime.now(UTC))))
        return 1

    async def list_1000(self, worker: int) -> int:  # noqa: ARG002
        listed = Order.user_id == self.stage.listing.user_id
        async with self.sessions() as session:
            query = select(Order).where(listed).order_by(*_NEWEST).limit(1000)
            return len((await session.scalars(query)).all()) and 1
