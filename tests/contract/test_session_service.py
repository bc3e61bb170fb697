from metacore.testing import contract


class TestSessionService(contract.SessionServiceContract):
    """On every backend, in both worlds."""
