from metacore.testing import contract


class TestTransaction(contract.TransactionContract):
    """On every backend, in both worlds."""


class TestSavepoint(contract.SavepointContract):
    """On every backend, in both worlds."""


class TestDoom(contract.DoomContract):
    """On every backend, in both worlds."""


class TestRun(contract.RunContract):
    """On every backend, in both worlds."""
