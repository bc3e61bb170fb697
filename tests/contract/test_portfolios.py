from metacore.testing import contract


class TestPortfolio(contract.PortfolioStorageContract):
    """On every backend, in both runners."""


class TestHolderList(contract.HolderListContract):
    """On every backend, in both runners."""


class TestPortfolioService(contract.PortfolioServiceContract):
    """On every backend, in both runners."""
