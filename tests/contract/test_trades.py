from metacore.testing import contract


class TestTrade(contract.TradeStorageContract):
    """On every backend, in both worlds."""


class TestTradeList(contract.TradeListContract):
    """On every backend, in both worlds."""


class TestTradeImport(contract.TradeImportContract):
    """On every backend, in both worlds."""
