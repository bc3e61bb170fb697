from metacore.testing import contract


class TestRelay(contract.RelayContract):
    """On every backend, in both worlds."""
