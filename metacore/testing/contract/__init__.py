"""The contract of the storages as tests: one for each sentence of the protocols' docstrings.

The author of a backend subclasses the classes below in a test module, beside a fixture `backend` that gives a
`Backend`. They are written in blocking style; a `World` lets them run on asynchronous storages too.
"""

from metacore.testing.contract.account_service import AccountServiceContract
from metacore.testing.contract.balance_changes import BalanceChangeContract
from metacore.testing.contract.balances import BalanceStorageContract
from metacore.testing.contract.base import Backend, Contract
from metacore.testing.contract.credentials import CredentialContract, CredentialStorageContract, WithoutKeysContract
from metacore.testing.contract.dooms import DoomContract
from metacore.testing.contract.encryption_keys import EncryptionKeysContract
from metacore.testing.contract.journal import AuditContract, JournalContract
from metacore.testing.contract.key_rotation import KeyRotationContract
from metacore.testing.contract.loading import LoadContract
from metacore.testing.contract.locks import LockContract
from metacore.testing.contract.order_imports import OrderImportContract
from metacore.testing.contract.order_lists import OrderListContract
from metacore.testing.contract.order_record_lists import CustomerRecordListContract, OrderRecordListContract
from metacore.testing.contract.order_record_service import OrderRecordServiceContract
from metacore.testing.contract.order_records import OrderRecordStorageContract
from metacore.testing.contract.order_updates import OrderUpdateStorageContract
from metacore.testing.contract.orders import OrderStorageContract
from metacore.testing.contract.paging import PagedListContract
from metacore.testing.contract.portfolio_service import PortfolioServiceContract
from metacore.testing.contract.portfolios import HolderListContract, PortfolioStorageContract
from metacore.testing.contract.runs import RunContract
from metacore.testing.contract.saving import SaveContract
from metacore.testing.contract.storage import EventLoopContract, StorageContract
from metacore.testing.contract.trade_imports import TradeImportContract
from metacore.testing.contract.trade_lists import TradeListContract
from metacore.testing.contract.trades import TradeStorageContract
from metacore.testing.contract.trading_base import TradingContract
from metacore.testing.contract.trading_batches import TradingBatchContract, TradingRaceContract
from metacore.testing.contract.trading_facts import TradingFactContract
from metacore.testing.contract.trading_funds import TradingFundsContract
from metacore.testing.contract.trading_orders import TradingOrderContract
from metacore.testing.contract.trading_transactions import TradingTransactionContract
from metacore.testing.contract.transactions import TransactionContract
from metacore.testing.contract.user_lists import UserListContract
from metacore.testing.contract.users import UserStorageContract

__all__ = [
    "AccountServiceContract",
    "AuditContract",
    "Backend",
    "BalanceChangeContract",
    "BalanceStorageContract",
    "Contract",
    "CredentialContract",
    "CredentialStorageContract",
    "CustomerRecordListContract",
    "DoomContract",
    "EncryptionKeysContract",
    "EventLoopContract",
    "HolderListContract",
    "JournalContract",
    "KeyRotationContract",
    "LoadContract",
    "LockContract",
    "OrderImportContract",
    "OrderListContract",
    "OrderRecordListContract",
    "OrderRecordServiceContract",
    "OrderRecordStorageContract",
    "OrderStorageContract",
    "OrderUpdateStorageContract",
    "PagedListContract",
    "PortfolioServiceContract",
    "PortfolioStorageContract",
    "RunContract",
    "SaveContract",
    "StorageContract",
    "TradeImportContract",
    "TradeListContract",
    "TradeStorageContract",
    "TradingBatchContract",
    "TradingContract",
    "TradingFactContract",
    "TradingFundsContract",
    "TradingOrderContract",
    "TradingRaceContract",
    "TradingTransactionContract",
    "TransactionContract",
    "UserListContract",
    "UserStorageContract",
    "WithoutKeysContract",
]
