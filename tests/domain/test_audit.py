"""The audit finds each rule broken, and nothing while none is."""

import weakref
from datetime import timedelta
from decimal import Decimal

import pytest

from metacore.domain.trading.audit import Audit, AuditRule
from metacore.domain.trading.balances import BalanceHead, EntryReason
from metacore.domain.values.model import revised
from metacore.errors import InvalidDataError
from metacore.testing.clock import START
from metacore.testing.contract.balances_chain import rechained


@pytest.fixture
def traded(day):
    order = day.buy()
    day.settle(day.trade(order, 4, 90, commission="0.1", commission_asset="BTC"))
    assert day.audit() == []
    return day


def break_balance(day, asset="USDT", **values):
    [key] = [key for key in day.balances if key[1] == asset]
    day.balances[key] = revised(day.balances[key], **values)


def break_order(day, **values):
    [key] = day.orders
    day.orders[key] = revised(day.orders[key], **values)


def break_entry(day, index, **values):
    usdt = [position for position, entry in enumerate(day.entries) if entry.asset == "USDT"]
    day.entries[usdt[index]] = revised(day.entries[usdt[index]], **values)


def rewritten(seq):
    return (AuditRule.JOURNAL_IS_CHAINED, "USDT", seq, None, None)


def found(day):
    return [(row.rule, row.asset, row.seq, row.expected, row.actual) for row in day.audit()]


def test_a_balance_that_is_not_its_journal(traded):
    break_balance(traded, free=Decimal(41))
    assert found(traded) == [(AuditRule.BALANCE_IS_JOURNAL, "USDT", None, 40, 41)]


def test_locked_that_is_not_held(traded):
    break_order(traded, held_amount=Decimal(599))
    assert found(traded) == [(AuditRule.LOCKED_IS_HOLDS, "USDT", None, 599, 600)]


def test_a_hold_of_an_asset_without_a_balance(traded):
    break_order(traded, held_asset="ETH")
    assert found(traded) == [
        (AuditRule.LOCKED_IS_HOLDS, "ETH", None, 600, 0),
        (AuditRule.LOCKED_IS_HOLDS, "USDT", None, 0, 600),
    ]


def test_a_negative_balance(traded):
    break_balance(traded, "BTC", free=Decimal(-1))
    assert found(traded) == [
        (AuditRule.NOT_NEGATIVE, "BTC", None, 0, -1),
        (AuditRule.BALANCE_IS_JOURNAL, "BTC", None, Decimal("3.9"), -1),
    ]


def test_a_gap_in_the_journal(traded):
    break_entry(traded, -1, seq=7)
    break_balance(traded, last_seq=7)
    assert found(traded) == [(AuditRule.JOURNAL_GAPLESS, "USDT", 7, 4, 7), rewritten(7)]


def test_an_entry_missing_at_the_end(traded):
    traded.entries = [entry for entry in traded.entries if entry.reason != "COMMISSION"]
    assert found(traded) == [
        (AuditRule.JOURNAL_GAPLESS, "BTC", None, 1, 2),
        (AuditRule.BALANCE_IS_JOURNAL, "BTC", None, 4, Decimal("3.9")),
        (AuditRule.JOURNAL_IS_CHAINED, "BTC", None, None, None),
    ]


@pytest.mark.parametrize("part", ["free", "locked"])
def test_an_entry_that_does_not_add_up(traded, part):
    [first, *_] = [entry for entry in traded.entries if entry.asset == "USDT"]
    break_entry(traded, 0, **{f"delta_{part}": getattr(first, f"delta_{part}") + 1})
    expected = getattr(first, f"{part}_after") + 1
    assert found(traded) == [(AuditRule.JOURNAL_ADDS_UP, "USDT", 1, expected, expected - 1), rewritten(1)]


REWRITTEN = {
    "reason": EntryReason.DEPOSIT,
    "reference": "another",
    "occurred_at": START,
    "created_at": START - timedelta(days=1),
    "hash": "0" * 64,
}


@pytest.mark.parametrize("field", REWRITTEN)
def test_an_entry_rewritten_where_nothing_adds_up(traded, field):
    break_entry(traded, 1, **{field: REWRITTEN[field]})
    # Behind an entry with another hash, the next is not chained either.
    assert found(traded) == [rewritten(2), *([rewritten(3)] if field == "hash" else [])]


def test_a_history_rewritten_whole_is_found_by_a_head_kept_elsewhere(traded):
    kept = [BalanceHead(asset=row.asset, seq=row.last_seq, hash=row.head) for row in traded.balances.values()]
    previous = ""
    for index, entry in enumerate(traded.entries):
        if entry.asset == "USDT":
            entry = revised(entry, reference="another")
            previous = rechained(entry, previous)
            traded.entries[index] = revised(entry, hash=previous)
    break_balance(traded, head=previous)
    assert traded.audit() == []
    [finding] = traded.audit(kept)
    assert (finding.rule, finding.asset) == (AuditRule.JOURNAL_HAS_HEADS, "USDT")


def test_an_order_that_is_not_the_sum_of_its_settled_trades(traded):
    break_order(traded, settled_quantity=Decimal(3))
    [finding] = traded.audit()
    [order] = traded.orders.values()
    assert (finding.rule, finding.order_id) == (AuditRule.SETTLED_IS_TRADES, order.id)
    assert (finding.expected, finding.actual) == (4, 3)


def test_an_order_that_executed_less_than_is_settled(traded):
    break_order(traded, executed_quantity=Decimal(3))
    [finding] = traded.audit()
    assert (finding.rule, finding.expected, finding.actual) == (AuditRule.EXECUTED_COVERS_SETTLED, 4, 3)


def test_entries_and_orders_are_not_kept(traded):
    ordered = sorted(traded.entries, key=lambda entry: (entry.asset, entry.seq))
    [order] = traded.orders.values()
    audit, kept = Audit(order.user_id), []

    def stream(rows):
        for row in rows:
            copy = revised(row)
            kept.append(weakref.ref(copy))
            yield copy

    audit.read_entries(stream(ordered))
    audit.read_orders((row, row.settled_quantity) for row in stream([order]))
    assert [row() for row in kept] == [None] * (len(ordered) + 1)
    assert audit.findings(traded.balances.values()) == []


def mark(day, first, **values):
    """Write a CHECKPOINT of USDT, which names the entry `first`, and take out the entries before that."""
    last = [entry for entry in day.entries if entry.asset == "USDT"][-1]
    checkpoint = {"reason": EntryReason.CHECKPOINT, "reference": str(first), "seq": last.seq + 1}
    nothing = {"delta_free": Decimal(0), "delta_locked": Decimal(0), "delta_unexplained": Decimal(0)}
    entry = revised(last, **{**checkpoint, **nothing, **values})
    entry = revised(entry, hash=rechained(entry, last.hash))
    day.entries.append(entry)
    day.entries[:] = [entry for entry in day.entries if entry.asset != "USDT" or entry.seq >= first]
    break_balance(day, last_seq=entry.seq, head=entry.hash)


@pytest.mark.parametrize("first", [1, 2, 3, 5])
def test_it_starts_from_a_checkpoint(traded, first):
    assert [entry.seq for entry in traded.entries if entry.asset == "USDT"] == [1, 2, 3, 4]
    mark(traded, first)
    assert found(traded) == []


def test_what_is_missing_behind_what_a_checkpoint_names(traded):
    mark(traded, 2)
    traded.entries.remove(next(entry for entry in traded.entries if entry.asset == "USDT"))
    assert AuditRule.JOURNAL_GAPLESS in {rule for rule, *_ in found(traded)}


@pytest.mark.parametrize("reference", [None, "", "x", "0", "-1", "99", "1" * 30, "²"])
def test_a_checkpoint_that_names_no_entry(traded, reference):
    mark(traded, 3, reference=reference)
    assert AuditRule.JOURNAL_GAPLESS in {rule for rule, *_ in found(traded)}


@pytest.mark.parametrize("first", [2, 5])
def test_a_checkpoint_that_was_changed(traded, first):
    mark(traded, first, free_after=Decimal(10**6))
    rules = {rule for rule, *_ in found(traded)}
    assert rules == {AuditRule.BALANCE_IS_JOURNAL} | ({AuditRule.JOURNAL_ADDS_UP} if first == 2 else set())


def test_a_checkpoint_that_moves_something(traded):
    mark(traded, 5, delta_free=Decimal(1))
    assert found(traded) == [(AuditRule.CHECKPOINT_MOVES_NOTHING, "USDT", 5, 0, 1)]


def test_what_stays_before_a_checkpoint(traded):
    stays = next(entry for entry in traded.entries if entry.asset == "USDT")
    mark(traded, 4)
    traded.entries.insert(0, stays)
    assert found(traded) == []


@pytest.mark.parametrize("heads", [5, "head", [("USDT", 1, "hash")], [None]])
def test_the_error_names_the_heads_that_are_none(traded, heads):
    with pytest.raises(InvalidDataError) as caught:
        traded.audit(heads)
    assert caught.value.field == "heads"
