from metacore.testing import contract


class TestTransaction(contract.TransactionContract):
    """On every backend, in both runners."""


class TestDoom(contract.DoomContract):
    """On every backend, in both runners."""


class TestRun(contract.RunContract):
    """On every backend, in both runners."""
