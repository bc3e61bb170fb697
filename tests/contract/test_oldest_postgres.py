"""What differs most from one PostgreSQL to another: statements, errors and locks, on the oldest version."""

import pytest

from metacore.testing import contract


@pytest.fixture(scope="session", params=["postgres_16_blocking"], ids=["postgres-16-blocking"])
def backend(request: pytest.FixtureRequest) -> contract.Backend:
    return request.getfixturevalue(request.param)


class TestUser(contract.UserStorageContract):
    """On PostgreSQL 16."""


class TestUserUniqueField(contract.UserUniqueFieldContract):
    """On PostgreSQL 16."""


class TestOrder(contract.OrderStorageContract):
    """On PostgreSQL 16."""


class TestOrderDeletion(contract.OrderDeletionContract):
    """On PostgreSQL 16."""


class TestOrderImport(contract.OrderImportContract):
    """On PostgreSQL 16."""


class TestOrderUpdate(contract.OrderUpdateStorageContract):
    """On PostgreSQL 16."""


class TestTradeImport(contract.TradeImportContract):
    """On PostgreSQL 16."""


class TestTradeList(contract.TradeListContract):
    """On PostgreSQL 16."""


class TestAssetName(contract.AssetNameContract):
    """On PostgreSQL 16."""


class TestBalanceApply(contract.BalanceApplyContract):
    """On PostgreSQL 16."""


class TestBalancePut(contract.BalancePutContract):
    """On PostgreSQL 16."""


class TestAudit(contract.AuditContract):
    """On PostgreSQL 16."""


class TestLoad(contract.LoadContract):
    """On PostgreSQL 16."""


class TestFactLoad(contract.FactLoadContract):
    """On PostgreSQL 16."""


class TestMessagesLoad(contract.MessagesLoadContract):
    """On PostgreSQL 16."""


class TestSave(contract.SaveContract):
    """On PostgreSQL 16."""


class TestLock(contract.LockContract):
    """On PostgreSQL 16."""


class TestTransaction(contract.TransactionContract):
    """On PostgreSQL 16."""


class TestSavepoint(contract.SavepointContract):
    """On PostgreSQL 16."""


class TestDoom(contract.DoomContract):
    """On PostgreSQL 16."""


class TestPortfolio(contract.PortfolioStorageContract):
    """On PostgreSQL 16."""


class TestPortfolioValue(contract.PortfolioValueContract):
    """On PostgreSQL 16."""


class TestOrderRecord(contract.OrderRecordStorageContract):
    """On PostgreSQL 16."""


class TestOrderRecordBatch(contract.OrderRecordBatchContract):
    """On PostgreSQL 16."""


class TestTradingBatch(contract.TradingBatchContract):
    """On PostgreSQL 16."""
