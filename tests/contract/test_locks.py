from metacore.testing import contract


class TestLocks(contract.LockContract):
    """On every backend, in both worlds."""
