from metacore.testing import contract


class TestInbox(contract.InboxStorageContract):
    """On every backend, in both worlds."""
