"""The contract of the storages as tests: one for each sentence of the protocols' docstrings.

The author of a backend has a fixture `backend` that gives a `Backend`, and beside it in a test module all classes, by
`globals().update(suite(...))`, or subclasses of those below. They are written in blocking style; a `Runner` lets them
run on asynchronous storages too.
"""

from importlib import import_module
from inspect import getmembers, isclass
from pkgutil import iter_modules

from metacore.testing.contract.balances import BalanceStorageContract
from metacore.testing.contract.balances_changes import BalanceChangeContract
from metacore.testing.contract.balances_journal import AuditContract, JournalContract
from metacore.testing.contract.base import Backend, Contract
from metacore.testing.contract.order_records import OrderRecordStorageContract
from metacore.testing.contract.order_records_lists import CustomerRecordListContract, OrderRecordListContract
from metacore.testing.contract.order_updates import OrderUpdateStorageContract
from metacore.testing.contract.orders import OrderStorageContract
from metacore.testing.contract.orders_imports import OrderImportContract
from metacore.testing.contract.orders_lists import OrderListContract
from metacore.testing.contract.portfolios import HolderListContract, PortfolioStorageContract
from metacore.testing.contract.service_accounts import AccountServiceContract
from metacore.testing.contract.service_key_rotation import KeyRotationContract
from metacore.testing.contract.service_order_records import OrderRecordServiceContract
from metacore.testing.contract.service_portfolios import PortfolioServiceContract
from metacore.testing.contract.service_reconciling import ReconcilerContract
from metacore.testing.contract.service_trading import TradingContract
from metacore.testing.contract.service_trading_batches import TradingBatchContract, TradingRaceContract
from metacore.testing.contract.service_trading_facts import TradingFactContract
from metacore.testing.contract.service_trading_funds import TradingFundsContract
from metacore.testing.contract.service_trading_orders import TradingOrderContract
from metacore.testing.contract.service_trading_transactions import TradingTransactionContract
from metacore.testing.contract.storage import EventLoopContract, StorageContract
from metacore.testing.contract.storage_paging import PagedListContract
from metacore.testing.contract.trades import TradeStorageContract
from metacore.testing.contract.trades_imports import TradeImportContract
from metacore.testing.contract.trades_lists import TradeListContract
from metacore.testing.contract.transactions import TransactionContract
from metacore.testing.contract.transactions_dooms import DoomContract
from metacore.testing.contract.transactions_load import LoadContract
from metacore.testing.contract.transactions_locks import LockContract
from metacore.testing.contract.transactions_run import RunContract
from metacore.testing.contract.transactions_save import SaveContract
from metacore.testing.contract.users import UserStorageContract
from metacore.testing.contract.users_credentials import (
    CredentialContract,
    CredentialStorageContract,
    WithoutKeysContract,
)
from metacore.testing.contract.users_encryption_keys import EncryptionKeysContract
from metacore.testing.contract.users_lists import UserListContract

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
    "ReconcilerContract",
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
    "suite",
]


def suite(*, event_loop: bool) -> dict[str, type[Contract]]:
    """Every class of the suite, by a name that pytest collects; `event_loop` says whether the storage lives in one."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    classes = {kind for module in modules for _, kind in getmembers(module, isclass)}
    contracts = [kind for kind in classes if issubclass(kind, Contract)]
    left_out = {base for kind in contracts for base in kind.__bases__}
    if not event_loop:
        left_out.add(EventLoopContract)
    names = {f"Test{kind.__name__.removesuffix('Contract')}": kind for kind in contracts if kind not in left_out}
    return {name: type(name, (kind,), {"__doc__": kind.__doc__}) for name, kind in sorted(names.items())}
