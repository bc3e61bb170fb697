"""The contract of the chain that the entries of a balance form."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.audit import AuditRule
from metacore.domain.trading.balances import BalanceEntry, BalanceHead
from metacore.domain.trading.entries import entry_hash
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.contract.balances import ATTO, ONE, ZERO, account
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import EDGE_AMOUNTS, HOSTILE_TEXTS, NOBODY
from metacore.testing.factories import BalanceDeltaFactory, NewUserFactory


def rechained(entry: BalanceEntry, previous: str) -> str:
    """The hash of `entry` behind `previous`, computed from what is stored."""
    after = entry.free_after, entry.locked_after, entry.unexplained_after
    return entry_hash(previous, entry, entry.seq, after, entry.created_at)


class ChainContract(Contract):
    """Of the hashes of entries, and of `BalanceStorage.heads`."""

    def test_every_entry_has_the_hash_of_itself_behind_the_one_before(self, storage: Storage, user: User) -> None:
        storage.balances.put_all(user.id, account(USDT=EDGE_AMOUNTS[0], BTC=ATTO))
        storage.balances.apply([BalanceDeltaFactory.build(user_id=user.id, asset="BTC", reference=None)])
        storage.balances.apply([BalanceDeltaFactory.build(user_id=user.id, asset="BTC") for _ in range(3)])
        heads = {"USDT": "", "BTC": ""}
        for entry in storage.balances.entries(user.id).items:
            heads[entry.asset] = rechained(entry, heads[entry.asset])
            assert entry.hash == heads[entry.asset]
        assert {balance.asset: balance.head for balance in storage.balances.list(user.id)} == heads

    @each_case("text", HOSTILE_TEXTS)
    def test_it_holds_whatever_the_texts_are(self, storage: Storage, text: str) -> None:
        user = storage.users.create(NewUserFactory.build())
        storage.balances.apply([BalanceDeltaFactory.build(user_id=user.id, asset=text, reference=text)])
        (entry,) = storage.balances.entries(user.id).items
        assert entry.hash == rechained(entry, "")
        assert storage.balances.heads(user.id) == (BalanceHead(asset=text, seq=1, hash=entry.hash),)

    def test_equal_entries_of_different_balances_differ_in_their_hash(
        self, storage: Storage, user: User, other: User
    ) -> None:
        for owner in (user, other):
            storage.balances.put_all(owner.id, account(A=ONE, B=ONE))
        hashes = [head.hash for owner in (user, other) for head in storage.balances.heads(owner.id)]
        assert len({*hashes}) == len(hashes) == 4

    def test_heads_come_by_asset_without_balances_that_have_no_entry(
        self, storage: Storage, user: User, other: User
    ) -> None:
        storage.balances.put_all(user.id, account(USDT=ONE, BTC=ONE, btd=ONE, NONE=ZERO))
        storage.balances.put(user.id, "USDT", Decimal(2), ZERO)
        storage.balances.put(other.id, "ETH", ONE, ZERO)
        balances = {balance.asset: balance for balance in storage.balances.list(user.id)}
        assert storage.balances.heads(user.id) == tuple(
            BalanceHead(asset=asset, seq=seq, hash=balances[asset].head)
            for asset, seq in (("BTC", 1), ("USDT", 2), ("btd", 1))
        )
        assert balances["NONE"].head == ""
        assert storage.balances.heads(NOBODY) == ()

    def test_heads_that_were_kept_prove_what_was_written_up_to_them(self, storage: Storage, user: User) -> None:
        storage.balances.put_all(user.id, account(USDT=ONE, BTC=ONE))
        kept = storage.balances.heads(user.id)
        storage.balances.put_all(user.id, account(USDT=Decimal(2), ETH=ONE))
        assert storage.balances.audit(user.id, kept) == []
        assert storage.balances.audit(user.id, iter([*kept, *storage.balances.heads(user.id)])) == []

    def test_the_audit_finds_heads_that_the_journal_has_not(self, storage: Storage, user: User, other: User) -> None:
        for owner in (user, other):
            storage.balances.put(owner.id, "USDT", ONE, ZERO)
        (mine,), (others,) = storage.balances.heads(user.id), storage.balances.heads(other.id)
        for head in (others, mine.changed(seq=2), mine.changed(asset="BTC")):
            (finding,) = storage.balances.audit(user.id, [mine, head])
            assert (finding.rule, finding.asset, finding.seq) == (AuditRule.JOURNAL_HAS_HEADS, head.asset, head.seq)
            assert finding.expected is finding.actual is None

    def test_a_head_of_what_was_undone_is_found(self, storage: Storage, user: User) -> None:
        storage.balances.put(user.id, "USDT", ONE, ZERO)
        undone: Sequence[BalanceHead] = ()
        with pytest.raises(KeyError), storage.transaction() as tx:
            tx.balances.put(user.id, "USDT", Decimal(2), ZERO)
            undone = tx.balances.heads(user.id)
            assert tx.balances.audit(user.id, undone) == []
            raise KeyError
        storage.balances.put(user.id, "USDT", Decimal(3), ZERO)
        assert len(storage.balances.audit(user.id, undone)) == 1
        assert storage.balances.audit(user.id) == []
