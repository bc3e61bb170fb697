from metacore.testing import contract


class TestOrder(contract.OrderStorageContract):
    """On every backend, in both worlds."""


class TestOrderDeletion(contract.OrderDeletionContract):
    """On every backend, in both worlds."""


class TestOrderList(contract.OrderListContract):
    """On every backend, in both worlds."""


class TestOrderImport(contract.OrderImportContract):
    """On every backend, in both worlds."""
