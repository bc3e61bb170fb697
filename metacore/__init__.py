"""Metacore: exact, typed, transactional storage for trading and commerce services.

The names below are loaded when they are first used: importing the package loads no driver. This is their one list;
`tools/generate_sync.py` makes a table of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metacore._names import MODULE_OF

if TYPE_CHECKING:
    from metacore.config import Settings as Settings
    from metacore.crypto.passwords import HashCost as HashCost
    from metacore.crypto.ring import KeyRing as KeyRing
    from metacore.domain.commerce.order_records import OrderRecord as OrderRecord
    from metacore.domain.commerce.order_records import OrderRecordDelivery as OrderRecordDelivery
    from metacore.domain.commerce.order_records import OrderRecordItem as OrderRecordItem
    from metacore.domain.commerce.order_records import OrderRecordPayment as OrderRecordPayment
    from metacore.domain.commerce.order_records import SaveOutcome as SaveOutcome
    from metacore.domain.commerce.order_records import parse_order_record as parse_order_record
    from metacore.domain.holdings.assets import Asset as Asset
    from metacore.domain.holdings.assets import Assets as Assets
    from metacore.domain.holdings.portfolios import Holding as Holding
    from metacore.domain.holdings.portfolios import Portfolio as Portfolio
    from metacore.domain.holdings.valuations import Valuation as Valuation
    from metacore.domain.market.bars import Bar as Bar
    from metacore.domain.market.bars import BarPart as BarPart
    from metacore.domain.market.bars import Summary as Summary
    from metacore.domain.market.market_trades import MarketTrade as MarketTrade
    from metacore.domain.market.prices import PriceFeed as PriceFeed
    from metacore.domain.market.tick_window import TickWindow as TickWindow
    from metacore.domain.market.ticks import Tick as Tick
    from metacore.domain.messages.claims import Claim as Claim
    from metacore.domain.messages.claims import ClaimedKey as ClaimedKey
    from metacore.domain.messages.claims import Lag as Lag
    from metacore.domain.messages.dead_letters import DeadLetter as DeadLetter
    from metacore.domain.messages.dead_letters import Resolution as Resolution
    from metacore.domain.messages.events import Event as Event
    from metacore.domain.messages.events import NewEvent as NewEvent
    from metacore.domain.messages.feed import FEED_EVENTS as FEED_EVENTS
    from metacore.domain.messages.feed import BalanceChanged as BalanceChanged
    from metacore.domain.messages.feed import OrderUpdated as OrderUpdated
    from metacore.domain.messages.feed import ReservationChanged as ReservationChanged
    from metacore.domain.messages.feed import TradePending as TradePending
    from metacore.domain.messages.feed import TradeSettled as TradeSettled
    from metacore.domain.messages.feed import parse_feed_event as parse_feed_event
    from metacore.domain.messages.inbox import Acceptance as Acceptance
    from metacore.domain.messages.inbox import AcceptOutcome as AcceptOutcome
    from metacore.domain.people.credentials import Credentials as Credentials
    from metacore.domain.people.key_rotation import KeyUse as KeyUse
    from metacore.domain.people.key_rotation import RotationBatch as RotationBatch
    from metacore.domain.people.key_rotation import RotationReport as RotationReport
    from metacore.domain.people.logins import Login as Login
    from metacore.domain.people.sessions import EndReason as EndReason
    from metacore.domain.people.sessions import NewSession as NewSession
    from metacore.domain.people.sessions import Rotation as Rotation
    from metacore.domain.people.sessions import RotationOutcome as RotationOutcome
    from metacore.domain.people.sessions import Session as Session
    from metacore.domain.people.sessions import SignedIn as SignedIn
    from metacore.domain.people.users import KycStatus as KycStatus
    from metacore.domain.people.users import NewUser as NewUser
    from metacore.domain.people.users import User as User
    from metacore.domain.people.users import UserPatch as UserPatch
    from metacore.domain.trading.archiving import ArchivePart as ArchivePart
    from metacore.domain.trading.archiving import History as History
    from metacore.domain.trading.audit import AuditFinding as AuditFinding
    from metacore.domain.trading.audit import AuditRule as AuditRule
    from metacore.domain.trading.balances import AccountBalance as AccountBalance
    from metacore.domain.trading.balances import Balance as Balance
    from metacore.domain.trading.balances import BalanceDelta as BalanceDelta
    from metacore.domain.trading.balances import BalanceEntry as BalanceEntry
    from metacore.domain.trading.balances import EntryFilter as EntryFilter
    from metacore.domain.trading.balances import EntryReason as EntryReason
    from metacore.domain.trading.decisions import Changes as Changes
    from metacore.domain.trading.decisions import FactWindow as FactWindow
    from metacore.domain.trading.decisions import Feed as Feed
    from metacore.domain.trading.decisions import KnownOrder as KnownOrder
    from metacore.domain.trading.decisions import Loaded as Loaded
    from metacore.domain.trading.decisions import Selection as Selection
    from metacore.domain.trading.funds import Shortfall as Shortfall
    from metacore.domain.trading.order_ids import OrderIds as OrderIds
    from metacore.domain.trading.order_updates import NewOrderUpdate as NewOrderUpdate
    from metacore.domain.trading.order_updates import OrderUpdate as OrderUpdate
    from metacore.domain.trading.order_updates import UpdateOutcome as UpdateOutcome
    from metacore.domain.trading.order_updates import UpdateSource as UpdateSource
    from metacore.domain.trading.orders import NewOrder as NewOrder
    from metacore.domain.trading.orders import Order as Order
    from metacore.domain.trading.orders import OrderFilter as OrderFilter
    from metacore.domain.trading.orders import OrderSide as OrderSide
    from metacore.domain.trading.orders import OrderStatus as OrderStatus
    from metacore.domain.trading.orders import OrderType as OrderType
    from metacore.domain.trading.orders import TimeInForce as TimeInForce
    from metacore.domain.trading.performance import CostMethod as CostMethod
    from metacore.domain.trading.performance import Performance as Performance
    from metacore.domain.trading.performance import SymbolPerformance as SymbolPerformance
    from metacore.domain.trading.reconciliation import ExchangeState as ExchangeState
    from metacore.domain.trading.reconciliation import Reconciliation as Reconciliation
    from metacore.domain.trading.reconciliation import TransferOutcome as TransferOutcome
    from metacore.domain.trading.reports import ExecutionReport as ExecutionReport
    from metacore.domain.trading.reports import Outcome as Outcome
    from metacore.domain.trading.reports import ReportResult as ReportResult
    from metacore.domain.trading.reservations import NewReservation as NewReservation
    from metacore.domain.trading.reservations import Reservation as Reservation
    from metacore.domain.trading.reservations import ReservationState as ReservationState
    from metacore.domain.trading.settlement import SettlementResult as SettlementResult
    from metacore.domain.trading.snapshots import AccountSnapshot as AccountSnapshot
    from metacore.domain.trading.snapshots import SnapshotResult as SnapshotResult
    from metacore.domain.trading.trades import NewTrade as NewTrade
    from metacore.domain.trading.trades import Trade as Trade
    from metacore.domain.trading.trades import TradeFilter as TradeFilter
    from metacore.domain.trading.trades import TradeState as TradeState
    from metacore.domain.trading.transferring import UserTransferResult as UserTransferResult
    from metacore.domain.trading.transfers import NewDeposit as NewDeposit
    from metacore.domain.trading.transfers import Transfer as Transfer
    from metacore.domain.trading.transfers import TransferResult as TransferResult
    from metacore.domain.trading.user_transfers import UserTransfer as UserTransfer
    from metacore.domain.values.amounts import Amount as Amount
    from metacore.domain.values.amounts import NonNegativeAmount as NonNegativeAmount
    from metacore.domain.values.amounts import PositiveAmount as PositiveAmount
    from metacore.domain.values.amounts import parse_amount as parse_amount
    from metacore.domain.values.imports import ImportResult as ImportResult
    from metacore.domain.values.items import BadItem as BadItem
    from metacore.domain.values.items import Readable as Readable
    from metacore.domain.values.limits import JsonLimits as JsonLimits
    from metacore.domain.values.model import Model as Model
    from metacore.domain.values.pages import Page as Page
    from metacore.domain.values.secrets import Secret as Secret
    from metacore.domain.values.text import Key as Key
    from metacore.domain.values.text import Text as Text
    from metacore.domain.values.times import Time as Time
    from metacore.errors import AlreadyExistsError as AlreadyExistsError
    from metacore.errors import ArchivedError as ArchivedError
    from metacore.errors import ConfigurationError as ConfigurationError
    from metacore.errors import ConflictError as ConflictError
    from metacore.errors import ConnectionLostError as ConnectionLostError
    from metacore.errors import DecryptionError as DecryptionError
    from metacore.errors import ExchangeError as ExchangeError
    from metacore.errors import InsufficientFundsError as InsufficientFundsError
    from metacore.errors import InvalidDataError as InvalidDataError
    from metacore.errors import InvalidTransitionError as InvalidTransitionError
    from metacore.errors import LockTimeoutError as LockTimeoutError
    from metacore.errors import MetacoreError as MetacoreError
    from metacore.errors import MissingKeyError as MissingKeyError
    from metacore.errors import NotAllowedError as NotAllowedError
    from metacore.errors import NotFoundError as NotFoundError
    from metacore.errors import OutcomeUnknownError as OutcomeUnknownError
    from metacore.errors import PoolTimeoutError as PoolTimeoutError
    from metacore.errors import RetryableError as RetryableError
    from metacore.errors import SchemaError as SchemaError
    from metacore.errors import SignInError as SignInError
    from metacore.errors import StaleVersionError as StaleVersionError
    from metacore.errors import StatementTimeoutError as StatementTimeoutError
    from metacore.errors import StorageClosedError as StorageClosedError
    from metacore.errors import StorageUnavailableError as StorageUnavailableError
    from metacore.errors import SubscriptionError as SubscriptionError
    from metacore.errors import TokenError as TokenError
    from metacore.errors import TransactionAbortedError as TransactionAbortedError
    from metacore.ids import new_id as new_id
    from metacore.opening import connect as connect
    from metacore.services.accounts import AccountService as AccountService
    from metacore.services.archiving import Archiver as Archiver
    from metacore.services.caches import CacheStats as CacheStats
    from metacore.services.key_rotation import KeyRotation as KeyRotation
    from metacore.services.ledger import LedgerService as LedgerService
    from metacore.services.order_records import OrderRecordService as OrderRecordService
    from metacore.services.portfolios import PortfolioService as PortfolioService
    from metacore.services.reconciling import Reconciler as Reconciler
    from metacore.services.relay import Relay as Relay
    from metacore.services.sessions import SessionService as SessionService
    from metacore.services.trading import TradingService as TradingService
    from metacore.storage.stats import Latency as Latency
    from metacore.storage.stats import Stats as Stats
    from metacore.storage.storage import Storage as Storage
    from metacore.storage.storage import Storages as Storages
    from metacore.storage.storage import Transaction as Transaction

if not TYPE_CHECKING:
    # Type checkers cannot compute it: for them, `import *` brings what is imported by name above.
    __all__ = [*MODULE_OF, "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if (module := MODULE_OF.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(module), name)
    return value


def __dir__() -> list[str]:
    return sorted([*MODULE_OF, "__version__"])
