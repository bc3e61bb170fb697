"""Metacore: exact, typed, transactional storage for trading and commerce services.

The names below are loaded when they are first used: importing the package loads no driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metacore.config import Settings as Settings
    from metacore.domain.audit import AuditFinding as AuditFinding, AuditRule as AuditRule
    from metacore.domain.balances import (
        AccountBalance as AccountBalance,
        Balance as Balance,
        BalanceDelta as BalanceDelta,
        BalanceEntry as BalanceEntry,
        EntryReason as EntryReason,
    )
    from metacore.domain.changes import (
        Changes as Changes,
        Loaded as Loaded,
        OrderReference as OrderReference,
        Wanted as Wanted,
    )
    from metacore.domain.credentials import Credentials as Credentials
    from metacore.domain.imports import ImportResult as ImportResult
    from metacore.domain.order_records import (
        OrderRecord as OrderRecord,
        SaveOutcome as SaveOutcome,
        parse_order_record as parse_order_record,
    )
    from metacore.domain.order_updates import (
        NewOrderUpdate as NewOrderUpdate,
        OrderUpdate as OrderUpdate,
        UpdateOutcome as UpdateOutcome,
        UpdateSource as UpdateSource,
    )
    from metacore.domain.orders import (
        NewOrder as NewOrder,
        Order as Order,
        OrderFilter as OrderFilter,
        OrderSide as OrderSide,
        OrderStatus as OrderStatus,
        OrderType as OrderType,
        TimeInForce as TimeInForce,
    )
    from metacore.domain.pages import Page as Page
    from metacore.domain.portfolios import Holding as Holding, Portfolio as Portfolio
    from metacore.domain.reports import (
        ExecutionReport as ExecutionReport,
        Outcome as Outcome,
        ReportResult as ReportResult,
    )
    from metacore.domain.snapshots import AccountSnapshot as AccountSnapshot
    from metacore.domain.stats import Stats as Stats
    from metacore.domain.trades import (
        NewTrade as NewTrade,
        Trade as Trade,
        TradeFilter as TradeFilter,
        TradeState as TradeState,
    )
    from metacore.domain.users import KycStatus as KycStatus, NewUser as NewUser, User as User, UserPatch as UserPatch
    from metacore.errors import (
        AlreadyExistsError as AlreadyExistsError,
        ConfigurationError as ConfigurationError,
        ConflictError as ConflictError,
        InsufficientFundsError as InsufficientFundsError,
        InvalidDataError as InvalidDataError,
        InvalidTransitionError as InvalidTransitionError,
        LockTimeoutError as LockTimeoutError,
        MetacoreError as MetacoreError,
        NotFoundError as NotFoundError,
        OutcomeUnknownError as OutcomeUnknownError,
        PoolTimeoutError as PoolTimeoutError,
        RetryableError as RetryableError,
        SchemaError as SchemaError,
        StaleVersionError as StaleVersionError,
        StatementTimeoutError as StatementTimeoutError,
        StorageUnavailableError as StorageUnavailableError,
        TransactionAbortedError as TransactionAbortedError,
    )
    from metacore.ids import new_id as new_id
    from metacore.opening import connect as connect
    from metacore.storage.storage import Storage as Storage, Storages as Storages, Transaction as Transaction

_MODULES = {
    "metacore.config": ("Settings",),
    "metacore.domain.audit": (
        "AuditFinding",
        "AuditRule",
    ),
    "metacore.domain.balances": (
        "AccountBalance",
        "Balance",
        "BalanceDelta",
        "BalanceEntry",
        "EntryReason",
    ),
    "metacore.domain.changes": (
        "Changes",
        "Loaded",
        "OrderReference",
        "Wanted",
    ),
    "metacore.domain.credentials": ("Credentials",),
    "metacore.domain.imports": ("ImportResult",),
    "metacore.domain.order_records": (
        "OrderRecord",
        "SaveOutcome",
        "parse_order_record",
    ),
    "metacore.domain.order_updates": (
        "NewOrderUpdate",
        "OrderUpdate",
        "UpdateOutcome",
        "UpdateSource",
    ),
    "metacore.domain.orders": (
        "NewOrder",
        "Order",
        "OrderFilter",
        "OrderSide",
        "OrderStatus",
        "OrderType",
        "TimeInForce",
    ),
    "metacore.domain.pages": ("Page",),
    "metacore.domain.portfolios": (
        "Holding",
        "Portfolio",
    ),
    "metacore.domain.reports": (
        "ExecutionReport",
        "Outcome",
        "ReportResult",
    ),
    "metacore.domain.snapshots": ("AccountSnapshot",),
    "metacore.domain.stats": ("Stats",),
    "metacore.domain.trades": (
        "NewTrade",
        "Trade",
        "TradeFilter",
        "TradeState",
    ),
    "metacore.domain.users": (
        "KycStatus",
        "NewUser",
        "User",
        "UserPatch",
    ),
    "metacore.errors": (
        "AlreadyExistsError",
        "ConfigurationError",
        "ConflictError",
        "InsufficientFundsError",
        "InvalidDataError",
        "InvalidTransitionError",
        "LockTimeoutError",
        "MetacoreError",
        "NotFoundError",
        "OutcomeUnknownError",
        "PoolTimeoutError",
        "RetryableError",
        "SchemaError",
        "StaleVersionError",
        "StatementTimeoutError",
        "StorageUnavailableError",
        "TransactionAbortedError",
    ),
    "metacore.ids": ("new_id",),
    "metacore.opening": ("connect",),
    "metacore.storage.storage": (
        "Storage",
        "Storages",
        "Transaction",
    ),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [  # noqa: PLE0604, RUF022
    *_MODULE_OF,  # pyright: ignore[reportUnsupportedDunderAll]
    "__version__",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if (module := _MODULE_OF.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
