from metacore.testing import contract


class TestOutbox(contract.OutboxStorageContract):
    """On every backend, in both worlds."""


class TestOutboxClaim(contract.OutboxClaimContract):
    """On every backend, in both worlds."""
