from metacore.testing import contract


class TestOrderUpdate(contract.OrderUpdateStorageContract):
    """On every backend, in both worlds."""
