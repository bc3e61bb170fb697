from metacore.testing import contract


class TestTrade(contract.TradeStorageContract):
    """On every backend, in both runners."""


class TestTradeList(contract.TradeListContract):
    """On every backend, in both runners."""


class TestTradeImport(contract.TradeImportContract):
    """On every backend, in both runners."""
