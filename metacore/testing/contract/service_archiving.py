"""The contract of the archiver: what is closed goes, and what was taken out and what stayed add up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.archiving import ArchivePart, History
from metacore.domain.trading.audit import AuditRule
from metacore.domain.trading.balances import BalanceEntry, EntryReason
from metacore.domain.trading.orders import Order
from metacore.domain.trading.reports import Outcome
from metacore.domain.trading.trades import NewTrade
from metacore.errors import InvalidDataError, NotFoundError
from metacore.sync.services.archiving import Archiver
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.samples import NOBODY
from metacore.testing.contract.service_trading import SIZE, TradingContract, fill, money, new_order, report
from metacore.testing.factories import NewTradeFactory
from metacore.testing.proxies import target_of
from metacore.testing.runners import Runner

DAY = timedelta(days=1)


class Shelf:
    """Keeps parts in memory, by number."""

    def __init__(self) -> None:
        self.kept: dict[int, History] = {}
        self.fails_after: int | None = None

    def keep(self, number: int, history: History) -> str:
        self.kept[target_of(number)] = target_of(history)
        if self.fails_after is not None and len(self.kept) > self.fails_after:
            raise KeyError
        return f"digest {target_of(number)}"

    def rows(self, kind: str) -> list[Any]:
        return [row for number in sorted(self.kept) for row in getattr(self.kept[number], kind)]


def by_seq(entries: Iterable[BalanceEntry]) -> list[BalanceEntry]:
    return sorted(entries, key=lambda entry: (entry.asset, entry.seq))


class ArchivingContract(TradingContract):
    """Base of the tests of `metacore.services.archiving.Archiver`; its backend may delete from journals."""

    @pytest.fixture
    def archiver(self, runner: Runner, storage: Storage) -> Archiver:
        archiver: Archiver = runner.service("Archiver", storage)
        return archiver

    @pytest.fixture
    def shelf(self) -> Shelf:
        return Shelf()

    @pytest.fixture
    def bought(self, trading: TradingService, user: User, order: Order) -> list[NewTrade]:
        """The trades that filled the order, at the beginning."""
        trades = [fill(order, traded_at=START), fill(order, traded_at=START)]
        trading.settle_trades(trades)
        return trades

    @pytest.fixture(autouse=True)
    def adds_up(self, storage: Storage, user: User, archiver: Archiver, shelf: Shelf) -> Iterator[None]:
        """Whatever a test does, what was taken out and what stayed adds up at its end."""
        yield
        assert archiver.audit(user.id, [shelf.kept[number] for number in sorted(shelf.kept)]) == ()

    def archive(self, archiver: Archiver, user: User, shelf: Shelf, before: datetime) -> list[ArchivePart]:
        return list(archiver.archive(user.id, before, shelf.keep))


class ArchiverContract(ArchivingContract):
    """Of `archive` and `audit`."""

    def test_closed_history_goes_whole(
        self,
        storage: Storage,
        clock: ManualClock,
        archiver: Archiver,
        shelf: Shelf,
        user: User,
        order: Order,
        bought: list[NewTrade],
    ) -> None:
        order, updates = storage.orders.get(*order.key), storage.order_updates.list(*order.key)
        trades = storage.trades.list_by_order(*order.key)
        before, entries = money(storage, user), storage.balances.entries(user.id).items
        clock.advance(days=3)
        parts = self.archive(archiver, user, shelf, START + DAY)
        assert [part.number for part in parts] == list(range(1, len(parts) + 1))
        assert storage.archives.list(user.id) == tuple(parts)
        assert [part.digest for part in parts] == [f"digest {part.number}" for part in parts]
        assert (shelf.rows("orders"), shelf.rows("order_updates")) == ([order], list(updates))
        assert shelf.rows("trades") == list(trades)
        assert storage.orders.list(user.id).items == storage.trades.list(user.id).items == ()
        stayed = [entry for entry in storage.balances.entries(user.id).items if entry.reason != "CHECKPOINT"]
        assert [entry.reason for entry in stayed] == ["DEPOSIT"]
        assert by_seq([*shelf.rows("entries"), *stayed]) == by_seq(entries)
        assert money(storage, user) == before
        assert storage.balances.audit(user.id) == []

    def test_a_checkpoint_moves_nothing_and_names_the_first_entry_that_stays(
        self, storage: Storage, clock: ManualClock, archiver: Archiver, shelf: Shelf, user: User, bought: list[NewTrade]
    ) -> None:
        entries = storage.balances.entries(user.id, "USDT").items
        now = clock.advance(days=3)
        self.archive(archiver, user, shelf, START + DAY)
        *_, mark = storage.balances.entries(user.id, "USDT").items
        assert (mark.reason, mark.reference, mark.occurred_at) == (EntryReason.CHECKPOINT, str(mark.seq), now)
        assert mark.seq == len(entries) + 1
        assert mark.delta_free == mark.delta_locked == 0
        assert (mark.free_after, mark.locked_after) == (entries[-1].free_after, entries[-1].locked_after)
        assert storage.users.get(user.id).archived_until == START + DAY

    def test_done_again_it_takes_nothing_more(
        self, storage: Storage, clock: ManualClock, archiver: Archiver, shelf: Shelf, user: User, bought: list[NewTrade]
    ) -> None:
        clock.advance(days=3)
        assert self.archive(archiver, user, shelf, START + DAY)
        entries, stored = storage.balances.entries(user.id).items, storage.users.get(user.id)
        for before in (START + DAY, START + DAY / 2):
            assert self.archive(archiver, user, shelf, before) == []
        assert storage.balances.entries(user.id).items == entries
        assert storage.users.get(user.id) == stored

    def test_what_is_younger_stays(
        self, storage: Storage, clock: ManualClock, archiver: Archiver, shelf: Shelf, user: User, bought: list[NewTrade]
    ) -> None:
        clock.advance(days=3)
        everything = storage.balances.entries(user.id).items
        assert self.archive(archiver, user, shelf, START + timedelta(minutes=59)) == []
        assert storage.balances.entries(user.id).items == everything
        assert len(storage.orders.list(user.id).items) == 1

    def test_what_is_not_closed_stays(
        self,
        storage: Storage,
        clock: ManualClock,
        trading: TradingService,
        archiver: Archiver,
        shelf: Shelf,
        user: User,
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(3000), "all")
        is_open, untold, holding = trading.place_orders(new_order(user) for _ in range(3))
        trading.apply_report(report(untold, "FILLED", SIZE))
        trading.apply_report(report(holding, "PARTIALLY_CANCELED", SIZE / 2))
        waiting = fill(untold, exchange_order_id="nobody knows", order_id=None, client_order_id=None, traded_at=START)
        assert trading.settle_trade(waiting).outcome is Outcome.UNKNOWN_ORDER
        clock.advance(days=3)
        self.archive(archiver, user, shelf, START + DAY)
        assert {order.id for order in storage.orders.list(user.id).items} == {is_open.id, untold.id, holding.id}
        assert [trade.id for trade in storage.trades.list_pending(user.id)] == [waiting.id]

    def test_trades_without_an_order_go_by_themselves(
        self, storage: Storage, clock: ManualClock, archiver: Archiver, shelf: Shelf, user: User, order: Order
    ) -> None:
        alone = storage.trades.create(NewTradeFactory.build(user_id=user.id, traded_at=START))
        named = NewTradeFactory.build(
            user_id=user.id, order_id=None, exchange_order_id=order.exchange_order_id, traded_at=START
        )
        storage.trades.create(named)
        clock.advance(days=3)
        self.archive(archiver, user, shelf, START + DAY)
        assert shelf.rows("trades") == [alone]
        assert [trade.id for trade in storage.trades.list(user.id).items] == [named.id]

    def test_broken_off_anywhere_it_goes_on_and_nothing_is_lost_or_twice(
        self,
        storage: Storage,
        clock: ManualClock,
        trading: TradingService,
        archiver: Archiver,
        shelf: Shelf,
        user: User,
        bought: list[NewTrade],
    ) -> None:
        entries = [entry for entry in storage.balances.entries(user.id).items if entry.reason != "DEPOSIT"]
        clock.advance(days=3)
        for shelf.fails_after in range(5):
            with pytest.raises(KeyError):
                self.archive(archiver, user, shelf, START + DAY)
            assert len(shelf.kept) == len(storage.archives.list(user.id)) + 1
            assert storage.balances.audit(user.id) == []
            clock.advance()
            if len(shelf.kept) == 3:
                break
        shelf.fails_after = None
        self.archive(archiver, user, shelf, START + DAY)
        assert [part.number for part in storage.archives.list(user.id)] == sorted(shelf.kept)
        assert len(shelf.rows("orders")) == 1
        assert len(shelf.rows("trades")) == 2
        assert by_seq(shelf.rows("entries")) == by_seq(entries)

    def test_a_part_that_is_missing_is_found(
        self, storage: Storage, clock: ManualClock, archiver: Archiver, shelf: Shelf, user: User, bought: list[NewTrade]
    ) -> None:
        clock.advance(days=3)
        self.archive(archiver, user, shelf, START + DAY)
        last = max(shelf.kept)
        findings = archiver.audit(user.id, [shelf.kept[number] for number in sorted(shelf.kept) if number != last])
        assert AuditRule.JOURNAL_GAPLESS in {finding.rule for finding in findings}

    def test_a_change_of_what_was_taken_out_is_found(
        self, storage: Storage, clock: ManualClock, archiver: Archiver, shelf: Shelf, user: User, bought: list[NewTrade]
    ) -> None:
        clock.advance(days=3)
        self.archive(archiver, user, shelf, START + DAY)
        numbers = sorted(shelf.kept)
        kept = [shelf.kept[number] for number in numbers]
        of_entries = next(history for history in kept if history.entries)
        entry, *others = of_entries.entries
        wrong = entry.changed(free_after=entry.free_after + 1)
        changed = [history.changed(entries=(wrong, *others)) if history is of_entries else history for history in kept]
        findings: Any = archiver.audit(user.id, changed)
        rules = (AuditRule.JOURNAL_ADDS_UP, AuditRule.JOURNAL_IS_CHAINED)
        assert {(finding.rule, finding.asset) for finding in findings} == {(rule, entry.asset) for rule in rules}
        without = [history.changed(trades=history.trades[1:]) if history.trades else history for history in kept]
        assert AuditRule.SETTLED_IS_TRADES in {finding.rule for finding in archiver.audit(user.id, without)}

    def test_only_what_is_past_of_a_user_that_there_is(
        self, storage: Storage, clock: ManualClock, archiver: Archiver, shelf: Shelf, user: User
    ) -> None:
        with pytest.raises(InvalidDataError) as caught:
            self.archive(archiver, user, shelf, clock())
        assert caught.value.field == "before"
        with pytest.raises(NotFoundError):
            list(archiver.archive(NOBODY, START - DAY, shelf.keep))
        with pytest.raises(NotFoundError):
            archiver.audit(NOBODY, [])

    def test_heads_that_were_kept_prove_what_was_taken_out_too(
        self,
        storage: Storage,
        clock: ManualClock,
        archiver: Archiver,
        shelf: Shelf,
        user: User,
        bought: list[NewTrade],
    ) -> None:
        heads = storage.balances.heads(user.id)
        clock.advance(days=3)
        self.archive(archiver, user, shelf, START + DAY)
        parts = [shelf.kept[number] for number in sorted(shelf.kept)]
        assert storage.balances.audit(user.id, heads) == []
        assert archiver.audit(user.id, parts, heads) == ()
        forged = heads[0].changed(hash="0" * 64)
        (finding,) = archiver.audit(user.id, parts, [forged])
        assert (finding.rule, finding.asset, finding.seq) == (AuditRule.JOURNAL_HAS_HEADS, forged.asset, forged.seq)
