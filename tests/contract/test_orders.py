from metacore.testing import contract


class TestOrder(contract.OrderStorageContract):
    """On every backend, in both runners."""


class TestOrderList(contract.OrderListContract):
    """On every backend, in both runners."""


class TestOrderImport(contract.OrderImportContract):
    """On every backend, in both runners."""
