from metacore.testing import contract


class TestStorage(contract.StorageContract):
    """On every backend, in both worlds."""


class TestStats(contract.StatsContract):
    """On every backend, in both worlds."""


class TestArgument(contract.ArgumentContract):
    """On every backend, in both worlds."""


class TestOperatorList(contract.OperatorListContract):
    """On every backend, in both worlds."""
