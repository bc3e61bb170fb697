"""The contract of the storage of portfolios."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.holdings.portfolios import Portfolio
from metacore.domain.people.users import User
from metacore.errors import (
    InsufficientFundsError,
    InvalidDataError,
    NotFoundError,
    StaleVersionError,
    TransactionAbortedError,
)
from metacore.sync.storage.portfolios import PortfolioStorage
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import ManualClock
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import EDGE_AMOUNTS, NOBODY
from metacore.testing.factories import NewUserFactory
from metacore.testing.runners import Runner

OPERATIONS: dict[str, Callable[[PortfolioStorage], object]] = {
    "get": lambda portfolios: portfolios.get(NOBODY),
    "put": lambda portfolios: portfolios.put(NOBODY, "btc", Decimal(1)),
    "add": lambda portfolios: portfolios.add(NOBODY, "btc", Decimal(1)),
    "remove": lambda portfolios: portfolios.remove(NOBODY, "btc"),
    "clear": lambda portfolios: portfolios.clear(NOBODY),
    "holders": lambda portfolios: portfolios.holders("btc"),
    "stream_holders": lambda portfolios: list(portfolios.stream_holders("btc")),
    "symbols": lambda portfolios: portfolios.symbols(),
}
"""Every operation, on what does not exist."""

ONE = Decimal(1)

Change = Callable[[PortfolioStorage, Any], Portfolio]
CHANGES: dict[str, Change] = {
    "put": lambda portfolios, user_id: portfolios.put(user_id, "btc", Decimal(2)),
    "put 0": lambda portfolios, user_id: portfolios.put(user_id, "btc", Decimal(0)),
    "add": lambda portfolios, user_id: portfolios.add(user_id, "btc", ONE),
    "take": lambda portfolios, user_id: portfolios.add(user_id, "btc", -ONE),
    "remove": lambda portfolios, user_id: portfolios.remove(user_id, "btc"),
    "clear": lambda portfolios, user_id: portfolios.clear(user_id),
}
"""Each changes a portfolio that holds 1 BTC."""

every_change = each_case("change", CHANGES)


class PortfolioStorageContract(Contract):
    """Of `metacore.storage.portfolios.PortfolioStorage`."""

    def test_a_portfolio_begins_with_the_user(self, storage: Storage, clock: ManualClock, user: User) -> None:
        clock.advance()
        assert storage.portfolios.get(user.id) == Portfolio.empty(user.id, user.created_at)

    @every_change
    def test_get_equals_what_the_last_change_returned(self, storage: Storage, change: Change) -> None:
        user = storage.users.create(NewUserFactory.build())
        storage.portfolios.put(user.id, "btc", ONE)
        changed = change(storage.portfolios, user.id)
        assert storage.portfolios.get(user.id) == changed

    @every_change
    def test_a_change_is_one_version_on(self, storage: Storage, clock: ManualClock, change: Change) -> None:
        user = storage.users.create(NewUserFactory.build())
        before = storage.portfolios.put(user.id, "btc", ONE)
        now = clock.advance()
        after = change(storage.portfolios, user.id)
        assert (before.version, after.version) == (2, 3)
        assert (after.created_at, after.updated_at) == (user.created_at, now)

    @pytest.mark.parametrize(
        "change",
        [
            lambda portfolios, user_id: portfolios.put(user_id, "BTC", Decimal("1.00")),
            lambda portfolios, user_id: portfolios.put(user_id, "eth", Decimal(0)),
            lambda portfolios, user_id: portfolios.add(user_id, "btc", Decimal(0)),
            lambda portfolios, user_id: portfolios.add(user_id, "eth", Decimal(0)),
        ],
    )
    def test_what_leaves_the_holdings_as_they_are_leaves_the_version(
        self, storage: Storage, clock: ManualClock, user: User, change: Change
    ) -> None:
        before = storage.portfolios.put(user.id, "btc", ONE)
        clock.advance()
        assert change(storage.portfolios, user.id) == before == storage.portfolios.get(user.id)

    def test_clearing_an_empty_portfolio_changes_nothing(self, storage: Storage, user: User) -> None:
        before = storage.portfolios.get(user.id)
        assert storage.portfolios.clear(user.id) == before == storage.portfolios.get(user.id)

    def test_put_sets(self, storage: Storage, user: User) -> None:
        storage.portfolios.put(user.id, "btc", Decimal(5))
        assert storage.portfolios.put(user.id, "btc", Decimal("0.5")).holdings == {"btc": Decimal("0.5")}

    def test_put_of_0_removes(self, storage: Storage, user: User) -> None:
        storage.portfolios.put(user.id, "btc", ONE)
        assert storage.portfolios.put(user.id, "btc", Decimal(0)).holdings == {}
        assert storage.portfolios.symbols() == ()

    def test_add_adds_and_takes(self, storage: Storage, user: User) -> None:
        storage.portfolios.add(user.id, "btc", Decimal("0.1"))
        storage.portfolios.add(user.id, "btc", Decimal("0.2"))
        assert storage.portfolios.add(user.id, "btc", Decimal("-0.05")).holdings == {"btc": Decimal("0.25")}

    def test_add_to_0_removes(self, storage: Storage, user: User) -> None:
        storage.portfolios.put(user.id, "btc", Decimal("0.1"))
        assert storage.portfolios.add(user.id, "btc", Decimal("-0.1")).holdings == {}
        assert storage.portfolios.holders("btc").items == ()

    def test_add_never_falls_below_zero(self, storage: Storage, user: User) -> None:
        before = storage.portfolios.put(user.id, "btc", ONE)
        for symbol, held in (("BTC", ONE), ("eth", Decimal(0))):
            with pytest.raises(InsufficientFundsError) as caught:
                storage.portfolios.add(user.id, symbol, Decimal("-1.1"))
            error = caught.value
            assert (error.asset, error.needed, error.available) == (symbol.lower(), Decimal("1.1"), held)
        with pytest.raises(InsufficientFundsError) as caught:
            storage.portfolios.add(user.id, "eth", EDGE_AMOUNTS[2].copy_negate())
        assert caught.value.needed == EDGE_AMOUNTS[2]
        assert storage.portfolios.get(user.id) == before

    def test_additions_at_the_same_time_all_count(self, storage: Storage, runner: Runner, user: User) -> None:
        runner.together(*[lambda: storage.portfolios.add(user.id, "btc", Decimal("0.1"))] * 10)
        portfolio = storage.portfolios.get(user.id)
        assert (portfolio.holdings, portfolio.version) == ({"btc": ONE}, 11)

    def test_what_is_taken_at_the_same_time_is_taken_once(self, storage: Storage, runner: Runner, user: User) -> None:
        storage.portfolios.put(user.id, "btc", Decimal("0.3"))
        results = runner.together(*[lambda: storage.portfolios.add(user.id, "btc", Decimal("-0.1"))] * 8)
        assert sum(isinstance(result, InsufficientFundsError) for result in results) == 5
        assert storage.portfolios.get(user.id).holdings == {}

    def test_remove_removes(self, storage: Storage, user: User) -> None:
        storage.portfolios.put(user.id, "btc", ONE)
        storage.portfolios.put(user.id, "eth", ONE)
        assert storage.portfolios.remove(user.id, "Btc").holdings == {"eth": ONE}

    def test_remove_of_what_is_not_held_is_not_found(self, storage: Storage, user: User, other: User) -> None:
        storage.portfolios.put(other.id, "btc", ONE)
        with pytest.raises(NotFoundError) as caught:
            storage.portfolios.remove(user.id, "BTC")
        assert (caught.value.entity, caught.value.key) == ("holding", (user.id, "btc"))

    def test_clear_takes_everything_of_the_user_alone(self, storage: Storage, user: User, other: User) -> None:
        for owner in (user, other):
            storage.portfolios.put(owner.id, "btc", ONE)
            storage.portfolios.put(owner.id, "eth", ONE)
        assert storage.portfolios.clear(user.id).holdings == {}
        assert storage.portfolios.get(other.id).holdings == {"btc": ONE, "eth": ONE}

    @every_change
    def test_change_of_nobody_is_not_found(self, storage: Storage, user: User, change: Change) -> None:
        with pytest.raises(NotFoundError) as caught:
            change(storage.portfolios, NOBODY)
        assert (caught.value.entity, caught.value.key) == ("user", NOBODY)

    def test_get_of_nobody_is_not_found(self, storage: Storage, user: User) -> None:
        with pytest.raises(NotFoundError) as caught:
            storage.portfolios.get(NOBODY)
        assert (caught.value.entity, caught.value.key) == ("user", NOBODY)

    def test_a_change_at_the_expected_version_goes_through(self, storage: Storage, user: User) -> None:
        portfolios = storage.portfolios
        assert portfolios.put(user.id, "btc", ONE, expected_version=1).version == 2
        assert portfolios.add(user.id, "btc", ONE, expected_version=2).version == 3
        assert portfolios.remove(user.id, "btc", expected_version=3).version == 4
        assert portfolios.clear(user.id, expected_version=4).version == 4

    @each_case("expected", [0, 1, 3, -1])
    def test_a_change_at_another_version_is_stale(self, storage: Storage, user: User, expected: int) -> None:
        portfolios = storage.portfolios
        before = portfolios.put(user.id, "btc", ONE)
        changes: tuple[Callable[[], object], ...] = (
            lambda: portfolios.put(user.id, "btc", Decimal(2), expected_version=expected),
            lambda: portfolios.add(user.id, "btc", ONE, expected_version=expected),
            lambda: portfolios.remove(user.id, "btc", expected_version=expected),
            lambda: portfolios.clear(user.id, expected_version=expected),
        )
        for change in changes:
            with pytest.raises(StaleVersionError) as caught:
                change()
            error = caught.value
            assert (error.entity, error.key, error.expected, error.actual) == ("portfolio", user.id, expected, 2)
        assert portfolios.get(user.id) == before

    def test_symbols_are_all_that_somebody_holds_once_in_order(self, storage: Storage, user: User, other: User) -> None:
        for owner, symbol in ((user, "eth"), (user, "btc"), (other, "BTC"), (other, "ä"), (other, "ada"), (user, "x")):
            storage.portfolios.put(owner.id, symbol, ONE)
        storage.portfolios.remove(user.id, "x")
        assert storage.portfolios.symbols() == ("ada", "btc", "eth", "ä")

    def test_a_transaction_keeps_all_of_it_or_nothing(self, storage: Storage, user: User) -> None:
        before = storage.portfolios.put(user.id, "btc", ONE)
        with pytest.raises(ZeroDivisionError), storage.transaction() as tx:
            tx.portfolios.add(user.id, "btc", ONE)
            tx.portfolios.put(user.id, "eth", ONE)
            assert tx.portfolios.get(user.id).holdings == {"btc": Decimal(2), "eth": ONE}
            assert tx.portfolios.symbols() == ("btc", "eth")
            raise ZeroDivisionError
        assert storage.portfolios.get(user.id) == before

    def test_falling_short_dooms_the_transaction(self, storage: Storage, user: User) -> None:
        with pytest.raises(TransactionAbortedError), storage.transaction() as tx:
            with pytest.raises(InsufficientFundsError):
                tx.portfolios.add(user.id, "btc", -ONE)
        assert storage.portfolios.get(user.id).version == 1

    def test_other_refusals_leave_the_transaction_as_it_was(self, storage: Storage, user: User) -> None:
        with storage.transaction() as tx:
            tx.portfolios.put(user.id, "btc", ONE)
            with pytest.raises(NotFoundError):
                tx.portfolios.remove(user.id, "eth")
            with pytest.raises(StaleVersionError):
                tx.portfolios.clear(user.id, expected_version=1)
            with pytest.raises(InvalidDataError):
                tx.portfolios.put(user.id, "btc", -ONE)
        assert storage.portfolios.get(user.id).holdings == {"btc": ONE}

    def test_a_deleted_user_holds_nothing_and_neither_does_the_next(self, storage: Storage, user: User) -> None:
        storage.portfolios.put(user.id, "btc", ONE)
        storage.users.delete(user.id)
        assert storage.portfolios.symbols() == ()
        storage.users.create(NewUserFactory.build(id=user.id))
        assert storage.portfolios.get(user.id).holdings == {}
