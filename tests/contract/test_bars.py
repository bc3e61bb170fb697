from metacore.testing import contract


class TestBar(contract.BarStorageContract):
    """On every backend, in both worlds."""
