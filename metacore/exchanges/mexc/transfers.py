"""Transfers: deposits and withdrawals that are done, once for each reference."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.transfers import Transfer
from metacore.domain.values.text import MAX_KEY_LENGTH
from metacore.exchanges.fields import Fields
from metacore.exchanges.items import finished
from metacore.exchanges.payloads import Payload, read_object, refuse_error

_DEPOSIT_DONE = {str(code): code in (5, 12) for code in range(1, 13)}
"""SUCCESS and COMPLETED. What is small, delayed, pending, audited, rejected, refunded, pre-credited, invalid or
restricted is not, or not yet, the account's.
"""

_WITHDRAWAL_DONE = {str(code): code == 7 for code in range(1, 11)}
"""SUCCESS. The others wait, or have failed or been cancelled."""


def numbered(read: Sequence[Transfer | None]) -> tuple[Transfer, ...]:
    """Those that are done; of several that are alike, the later ones with a number in their reference."""
    seen: Counter[str] = Counter()
    numbered = []
    for transfer in read:
        if transfer is not None:
            seen[transfer.reference] += 1
            count = seen[transfer.reference]
            alike = transfer if count == 1 else transfer.changed(reference=f"{transfer.reference}#{count}")
            numbered.append(alike)
    return tuple(numbered)


def deposit(payload: Payload, *, user_id: UUID) -> Transfer | None:
    """Of one item of the answer to GET /api/v3/capital/deposit/hisrec: a deposit; None unless it is done.

    - Done are status 5 (SUCCESS) and 12 (COMPLETED).
    - Its reference is the network, the transaction (`txId`, with the output where the exchange tells it) and a digest
      of what tells its outputs apart: asset, address, memo and amount. The same deposit read twice is a duplicate, two
      outputs of one transaction are two. Outputs that are alike in all of that are told apart by `deposits` alone.
    - It occurred at `insertTime`, the only time that the exchange tells.

    https://mexcdevelop.github.io/apidocs/spot_v3_en/#deposit-history-supporting-network
    """
    return deposit_of(read_object(payload), user_id)


@finished(numbered)
def deposits(answer: Fields, *, user_id: UUID) -> Transfer | None:
    """Of the answer to GET /api/v3/capital/deposit/hisrec: like `deposit`, those that are done, one by one."""
    return deposit_of(answer, user_id)


def withdrawal(payload: Payload, *, user_id: UUID) -> Transfer | None:
    """Of one item of the answer to GET /api/v3/capital/withdraw/history: a withdrawal; None unless it is done.

    - Done is status 7 (SUCCESS).
    - Its reference is the exchange's `id` of it: the transaction is told later, or never.
    - Its amount is what left the account: `amount` is told with the `transactionFee` in it.
    - It occurred at `applyTime`, when the exchange took it out of what is free.

    https://mexcdevelop.github.io/apidocs/spot_v3_en/#withdraw-history-supporting-network
    """
    return withdrawal_of(read_object(payload), user_id)


@finished(numbered)
def withdrawals(answer: Fields, *, user_id: UUID) -> Transfer | None:
    """Of the answer to GET /api/v3/capital/withdraw/history: like `withdrawal`, those that are done, one by one."""
    return withdrawal_of(answer, user_id)


def deposit_of(answer: Fields, user_id: UUID) -> Transfer | None:
    """The deposit that an item of an answer tells, if it is done."""
    refuse_error(answer)
    if not answer.choice(_DEPOSIT_DONE, "status"):
        return None
    asset, amount = _asset(answer), answer.positive("amount")
    transaction, network = answer.key("txId"), answer.key_or_none("network", "netWork") or ""
    identity = (asset, answer.key_or_none("address"), answer.key_or_none("memo", "addressTag"), f"{amount:f}")
    reference = f"{network}:{transaction}:{_digest(identity)}"
    values = {
        "user_id": user_id,
        "asset": asset,
        "amount": amount,
        "reference": reference if len(reference) < MAX_KEY_LENGTH - 8 else _digest((reference,)),
        "reason": EntryReason.DEPOSIT,
        "occurred_at": answer.time("insertTime"),
    }
    return answer.build(Transfer, values)


def withdrawal_of(answer: Fields, user_id: UUID) -> Transfer | None:
    """The withdrawal that an item of an answer tells, if it is done."""
    refuse_error(answer)
    if not answer.choice(_WITHDRAWAL_DONE, "status"):
        return None
    values = {
        "user_id": user_id,
        "asset": _asset(answer),
        "amount": answer.positive("amount"),
        "reference": answer.key("id"),
        "reason": EntryReason.WITHDRAWAL,
        "occurred_at": answer.time("applyTime"),
    }
    return answer.build(Transfer, values)


def _asset(answer: Fields) -> str:
    """The asset of the account: where it moves over several networks, `coin` may be told with the network behind it."""
    asset = answer.key("coin").partition("-")[0]
    if not asset:
        raise answer.error("coin", "names no asset")
    return asset


def _digest(parts: tuple[str | None, ...]) -> str:
    return hashlib.sha256("\0".join(part or "" for part in parts).encode()).hexdigest()[:32]
