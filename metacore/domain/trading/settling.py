"""Settling: the commands that settle trades, each by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from metacore.domain.trading.balances import BalanceKey
from metacore.domain.trading.commands import Batch, NotAloneError, in_parts
from metacore.domain.trading.covering import alone_with_facts
from metacore.domain.trading.decisions import Selection
from metacore.domain.trading.fills import balances_at_most, balances_of
from metacore.domain.trading.reports import Outcome
from metacore.domain.trading.settlement import SettlementResult, settle_trade
from metacore.domain.trading.sides import TOLERANCE
from metacore.domain.trading.trades import NewTrade, Trade
from metacore.domain.trading.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class SettleTrades(Batch[SettlementResult]):
    """Settle trades, each by itself; `tolerance` is that of account snapshots."""

    trades: Sequence[NewTrade]
    tolerance: timedelta = TOLERANCE

    def selection(self, exclusive: bool) -> Selection:
        return Selection(
            users=frozenset(trade.user_id for trade in self.trades),
            exclusive_users=exclusive,
            orders=tuple(dict.fromkeys((trade.user_id, trade.order_ids) for trade in self.trades)),
            trades=tuple(dict.fromkeys(trade.key for trade in self.trades)),
            # Shared, another trade that has the id of one of these is found when the id collides.
            trade_ids=tuple((trade.user_id, trade.id) for trade in self.trades) if exclusive else (),
            unsettled=True,
            **(alone_with_facts(self.tolerance) if exclusive else self._stored_balances()),
        )

    def _stored_balances(self) -> dict[str, Any]:
        """What more to select so that, as a rule, `balances` are locked by then."""
        assets = {(trade.user_id, trade.commission_asset) for trade in self.trades if trade.commission_asset}
        return {"stored_balances": tuple(assets), "balances_of_orders": True}

    def balances(self, work: UnitOfWork) -> set[BalanceKey]:
        if balances_at_most(self.trades, work.loaded.orders) <= work.balances.keys():
            return work.balances_of_facts()
        return balances_of(self.trades, work.loaded.orders) | work.balances_of_facts()

    def parts(self) -> Sequence[SettleTrades]:
        return [replace(self, trades=part) for part in in_parts(self.trades)]

    def decide(self, work: UnitOfWork) -> Sequence[SettlementResult]:
        results = tuple(settle_trade(work, trade, self.tolerance) for trade in self.trades)
        if not work.alone and _stores_unknown(results, work):
            raise NotAloneError
        return results


@dataclass(frozen=True, slots=True)
class SettlePending(Batch[SettlementResult]):
    """Settle the pending trades of a user, each by itself."""

    user_id: UUID
    trades: Sequence[Trade]
    tolerance: timedelta = TOLERANCE

    def selection(self, exclusive: bool) -> Selection:
        return replace(self._settling.selection(exclusive), users=frozenset({self.user_id}))

    def balances(self, work: UnitOfWork) -> set[BalanceKey]:
        return self._settling.balances(work)

    def decide(self, work: UnitOfWork) -> Sequence[SettlementResult]:
        work.state_of(self.user_id)
        return self._settling.decide(work)

    def parts(self) -> Sequence[SettlePending]:
        return [replace(self, trades=part) for part in in_parts(self.trades)]

    @property
    def _settling(self) -> SettleTrades:
        return SettleTrades(self.trades, self.tolerance)


def _stores_unknown(results: Iterable[SettlementResult], work: UnitOfWork) -> bool:
    """Whether `work` inserts a trade of an unknown order.

    It may be stored at the same time under another name of its order: only a lock of its user keeps that from
    happening.
    """
    unknown = [result.trade for result in results if result.outcome is Outcome.UNKNOWN_ORDER and result.trade]
    if not unknown:
        return False
    changes = work.changes()
    inserted = {(trade.user_id, trade.id) for trade in changes.trades if not changes.expected_version(trade)}
    return any((trade.user_id, trade.id) in inserted for trade in unknown)
