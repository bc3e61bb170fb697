from metacore.testing import contract


class TestSession(contract.SessionStorageContract):
    """On every backend, in both worlds."""
