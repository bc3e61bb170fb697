from metacore.testing.contract import (
    service_feed,
    service_reconciling,
    service_trading_batches,
    service_trading_deposits,
    service_trading_exchange,
    service_trading_facts,
    service_trading_limits,
    service_trading_messages,
    service_trading_orders,
    service_trading_snapshots,
    service_trading_transactions,
)


class TestTradingOrder(service_trading_orders.TradingOrderContract):
    """On every backend, in both worlds."""


class TestTradingExchange(service_trading_exchange.TradingExchangeContract):
    """On every backend, in both worlds."""


class TestTradingFact(service_trading_facts.TradingFactContract):
    """On every backend, in both worlds."""


class TestTradingDeposits(service_trading_deposits.TradingDepositsContract):
    """On every backend, in both worlds."""


class TestTradingSnapshots(service_trading_snapshots.TradingSnapshotsContract):
    """On every backend, in both worlds."""


class TestTradingLimits(service_trading_limits.TradingLimitsContract):
    """On every backend, in both worlds."""


class TestTradingMessage(service_trading_messages.TradingMessageContract):
    """On every backend, in both worlds."""


class TestTradingBatch(service_trading_batches.TradingBatchContract):
    """On every backend, in both worlds."""


class TestTradingRace(service_trading_batches.TradingRaceContract):
    """On every backend, in both worlds."""


class TestTradingTransaction(service_trading_transactions.TradingTransactionContract):
    """On every backend, in both worlds."""


class TestReconciler(service_reconciling.ReconcilerContract):
    """On every backend, in both worlds."""


class TestFeed(service_feed.FeedContract):
    """On every backend, in both worlds."""
