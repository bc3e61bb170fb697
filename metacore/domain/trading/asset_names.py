"""The names of assets: one asset has one name, whatever the case."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from metacore.domain.trading.balances import AccountBalance, Balance, BalanceKey
from metacore.domain.values.amounts import ZERO
from metacore.domain.values.model import build
from metacore.domain.values.text import require_text
from metacore.errors import InvalidDataError


def folded(asset: str) -> bytes:
    """What the names of one user's assets differ in: upper and lower case of ASCII are one."""
    return asset.encode().lower()


def lock_order(key: BalanceKey) -> tuple[UUID, bytes]:
    """What balances are locked in the order of."""
    user_id, asset = key
    return user_id, folded(asset)


def other_name(asset: str, existing: str) -> InvalidDataError:
    """The error that refuses `asset` where the user has `existing`."""
    return InvalidDataError(
        f"{asset!r} is refused: the user has {existing!r}, and an asset keeps the name that it has; take that",
        field="asset",
    )


def require_own_names(keys: Iterable[BalanceKey], balances: Iterable[Balance]) -> None:
    """InvalidDataError if one of `keys` names an asset otherwise than `balances`, in another case, do."""
    require_names(keys, (balance.key for balance in balances))


def require_names(keys: Iterable[BalanceKey], existing_keys: Iterable[BalanceKey]) -> None:
    """InvalidDataError if one of `keys` names an asset otherwise than the existing ones, in another case, do."""
    names = {(user_id, folded(asset)): asset for user_id, asset in existing_keys}
    for user_id, asset in keys:
        existing = names.get((user_id, folded(asset)), asset)
        if existing != asset:
            raise other_name(asset, existing)


def parse_asset(asset: str) -> str:
    """`asset` itself; InvalidDataError if it cannot be the name of one."""
    return build(AccountBalance, {"asset": asset, "free": ZERO}).asset


def parse_keys(keys: Iterable[BalanceKey]) -> list[BalanceKey]:
    """`keys` sorted, each once; InvalidDataError for an asset that is not text."""
    named = list(keys)
    for _, asset in named:
        require_text(asset=asset)
    return sorted(set(named))
