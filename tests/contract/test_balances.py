from metacore.testing import contract


class TestBalance(contract.BalanceStorageContract):
    """On every backend, in both worlds."""


class TestAssetName(contract.AssetNameContract):
    """On every backend, in both worlds."""


class TestBalanceApply(contract.BalanceApplyContract):
    """On every backend, in both worlds."""


class TestBalancePut(contract.BalancePutContract):
    """On every backend, in both worlds."""


class TestJournal(contract.JournalContract):
    """On every backend, in both worlds."""


class TestJournalByTime(contract.JournalByTimeContract):
    """On every backend, in both worlds."""


class TestAudit(contract.AuditContract):
    """On every backend, in both worlds."""


class TestChain(contract.ChainContract):
    """On every backend, in both worlds."""
