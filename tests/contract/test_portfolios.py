from metacore.testing import contract


class TestPortfolio(contract.PortfolioStorageContract):
    """On every backend, in both worlds."""


class TestPortfolioValue(contract.PortfolioValueContract):
    """On every backend, in both worlds."""


class TestHolderList(contract.HolderListContract):
    """On every backend, in both worlds."""


class TestPortfolioService(contract.PortfolioServiceContract):
    """On every backend, in both worlds."""
