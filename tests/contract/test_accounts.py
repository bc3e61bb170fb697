from metacore.testing.contract import account_service as contract


class TestAccountService(contract.AccountServiceContract):
    """On every backend, in both worlds."""
