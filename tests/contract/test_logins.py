from metacore.testing import contract


class TestLogin(contract.LoginStorageContract):
    """On every backend, in both worlds."""
