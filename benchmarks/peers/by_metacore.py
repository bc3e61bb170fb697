"""Metacore itself."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import metacore
from metacore.config import Settings
from metacore.sync import LedgerService, NewOrder, NewReservation, NewTrade, OrderRecord, TradingService, connect

from .peer import BlockingPeer, WaitingPeer
from .stage import (
    COMMISSION,
    FEE,
    PRICE,
    QUANTITY,
    QUOTE,
    SYMBOL,
    Fill,
    fill,
    new_order,
    new_trades,
    reservation,
    unique,
)


def settings(workers: int) -> Settings:
    return Settings(pool_min_size=workers, pool_max_size=workers)


def trade(fill: Fill) -> NewTrade:
    return NewTrade(
        user_id=fill.user_id,
        order_id=fill.order_id,
        exchange_trade_id=fill.exchange_trade_id,
        symbol=SYMBOL,
        side="BUY",
        price=PRICE,
        quantity=QUANTITY,
        commission=COMMISSION,
        commission_asset=FEE,
        traded_at=fill.traded_at,
    )


class Metacore(BlockingPeer):
    name = "metacore"

    def open(self) -> None:
        super().open()
        self.storage = connect(self.url, settings=settings(self.workers)).open()
        self.trading, self.ledger = TradingService(self.storage), LedgerService(self.storage)

    def close(self) -> None:
        self.storage.close()
        super().close()

    def get(self, worker: int) -> int:
        [account] = self.accounts("get", worker)
        assert self.storage.orders.get(account.user_id, account.order_ids[0]).symbol == SYMBOL
        return 1

    def create(self, worker: int) -> int:
        [account] = self.accounts("create", worker)
        self.storage.orders.create(NewOrder(**new_order(account.user_id)))
        return 1

    def list_1000(self, worker: int) -> int:  # noqa: ARG002
        listed = self.stage.listing.user_id
        return len(self.storage.orders.list(listed, limit=min(self.size.listed, 1000)).items) and 1

    def first_page(self, worker: int) -> int:  # noqa: ARG002
        return len(self.storage.orders.list(self.stage.listing.user_id, limit=self.size.page).items) // self.size.page

    def last_page(self, worker: int) -> int:  # noqa: ARG002
        user_id, cursor, _ = self.stage.listing
        return len(self.storage.orders.list(user_id, after=cursor, limit=self.size.page).items) // self.size.page

    def bulk(self, worker: int) -> int:
        [account] = self.accounts("bulk", worker)
        rows = [NewTrade(**row) for row in new_trades(account.user_id, self.size.bulk)]
        return self.storage.trades.create_many(rows).inserted

    def place(self, worker: int) -> int:
        [account] = self.accounts("place", worker)
        self.trading.place_order(NewOrder(**new_order(account.user_id)))
        return 1

    def deposit(self, worker: int) -> int:
        [account] = self.accounts("deposit", worker)
        self.trading.deposit(account.user_id, QUOTE, PRICE, reference=unique())
        return 1

    def fill(self, worker: int) -> int:
        [account] = self.accounts("fill", worker)
        assert self.trading.settle_trade(trade(fill(account, self.turn()))).outcome == "SETTLED"
        return 1

    def _settle(self, fills: Iterable[Fill]) -> int:
        results = self.trading.settle_trades([trade(each) for each in fills])
        assert {result.outcome for result in results} == {"SETTLED"}
        return len(results)

    def fills_wide(self, worker: int) -> int:
        [account] = self.accounts("wide", worker, orders=self.size.batch)
        return self._settle(fill(account, number) for number in range(self.size.batch))

    def fills_narrow(self, worker: int) -> int:
        [account] = self.accounts("narrow", worker)
        return self._settle(fill(account, number) for number in range(self.size.batch))

    def fills_of_users(self, worker: int) -> int:
        accounts = self.accounts("users", worker, count=self.size.users)
        each = self.size.batch // self.size.users
        return self._settle(fill(account, number) for account in accounts for number in range(each))

    def record_save(self, worker: int) -> int:  # noqa: ARG002
        self.storage.order_records.save(OrderRecord(**self.stage.record()))
        return 1

    def record_get(self, worker: int) -> int:  # noqa: ARG002
        return len(self.storage.order_records.get(self.stage.stored_record).items) // 3

    def reserve(self, worker: int) -> int:
        [account] = self.accounts("reserve", worker)
        self.ledger.reserve(NewReservation(**reservation(account.user_id)))
        return 1

    def reserve_batch(self, worker: int) -> int:
        [account] = self.accounts("reserve", worker)
        return len(
            self.ledger.reserve_all([NewReservation(**reservation(account.user_id)) for _ in range(self.size.batch)])
        )

    def transfer(self, worker: int) -> int:
        giver, taker = self.accounts("transfer", worker, count=2)
        self.ledger.transfer(giver.user_id, taker.user_id, QUOTE, Decimal(1), reference=unique())
        return 1

    def reserve_and_post(self, worker: int) -> int:
        giver, taker = self.accounts("transfer", worker, count=2)
        made = self.ledger.reserve(NewReservation(**reservation(giver.user_id)))
        assert self.ledger.post(giver.user_id, made.id, to=taker.user_id).state == "POSTED"
        return 1


class MetacoreAsync(WaitingPeer):
    name = "metacore, async"

    async def connect(self) -> None:
        self.storage = await metacore.connect(self.url, settings=settings(self.workers)).open()
        self.trading = metacore.TradingService(self.storage)

    async def disconnect(self) -> None:
        await self.storage.close()

    async def get(self, worker: int) -> int:
        [account] = self.accounts("get", worker)
        assert (await self.storage.orders.get(account.user_id, account.order_ids[0])).symbol == SYMBOL
        return 1

    async def create(self, worker: int) -> int:
        [account] = self.accounts("create", worker)
        await self.storage.orders.create(NewOrder(**new_order(account.user_id)))
        return 1

    async def list_1000(self, worker: int) -> int:  # noqa: ARG002
        page = await self.storage.orders.list(self.stage.listing.user_id, limit=min(self.size.listed, 1000))
        return len(page.items) and 1

    async def place(self, worker: int) -> int:
        [account] = self.accounts("place", worker)
        await self.trading.place_order(NewOrder(**new_order(account.user_id)))
        return 1

    async def deposit(self, worker: int) -> int:
        [account] = self.accounts("deposit", worker)
        await self.trading.deposit(account.user_id, QUOTE, PRICE, reference=unique())
        return 1

    async def fill(self, worker: int) -> int:
        [account] = self.accounts("fill", worker)
        assert (await self.trading.settle_trade(trade(fill(account, self.turn())))).outcome == "SETTLED"
        return 1
