from metacore.testing import contract


class TestAccountService(contract.AccountServiceContract):
    """On every backend, in both worlds."""
