from metacore.testing import contract


class TestDeadLetter(contract.DeadLetterStorageContract):
    """On every backend, in both worlds."""
