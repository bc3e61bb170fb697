from metacore.testing.contract import (
    trading_batches,
    trading_facts,
    trading_funds,
    trading_orders,
    trading_transactions,
)


class TestTradingOrder(trading_orders.TradingOrderContract):
    """On every backend, in both runners."""


class TestTradingFact(trading_facts.TradingFactContract):
    """On every backend, in both runners."""


class TestTradingFunds(trading_funds.TradingFundsContract):
    """On every backend, in both runners."""


class TestTradingBatch(trading_batches.TradingBatchContract):
    """On every backend, in both runners."""


class TestTradingRace(trading_batches.TradingRaceContract):
    """On every backend, in both runners."""


class TestTradingTransaction(trading_transactions.TradingTransactionContract):
    """On every backend, in both runners."""
