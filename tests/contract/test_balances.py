from metacore.testing import contract


class TestBalance(contract.BalanceStorageContract):
    """On every backend, in both runners."""


class TestBalanceChange(contract.BalanceChangeContract):
    """On every backend, in both runners."""


class TestJournal(contract.JournalContract):
    """On every backend, in both runners."""


class TestAudit(contract.AuditContract):
    """On every backend, in both runners."""
