"""What is wrong with what was given, or with what an exchange has answered."""

from __future__ import annotations

from typing import Any

from metacore.errors.base import MetacoreError
from metacore.wording import readable


class InvalidDataError(MetacoreError):
    """Input that breaks the rules of the model. `field` is the path of what is wrong, `raw` the bytes of a payload.

    `raw` is kept out of the message and the repr: a consumer parks it, nobody logs it by accident.
    """

    dooms_transaction = False
    field: str
    raw: bytes | None

    def __init__(self, message: str, *, field: str = "", raw: bytes | None = None) -> None:
        super().__init__(f"{field}: {message}" if field else message, field=field, raw=raw)


class ArchivedError(InvalidDataError):
    """A fact is dated before `until`, where history may have been taken out: nobody here can say whether it was stored
    already. `field` is the time, or the id that tells it.
    """

    until: Any

    def __init__(self, until: Any, *, field: str) -> None:
        super().__init__(
            f"it is of before {readable(until)}, up to when history is archived; look there whether it was told",
            field=field,
        )
        self.until = until


class ExchangeError(InvalidDataError):
    """The exchange answered with an error instead of data. `code` and `msg` are its own, as it told them."""

    code: Any
    msg: str | None

    def __init__(self, code: Any, msg: str | None, *, field: str = "code", raw: bytes | None = None) -> None:
        super().__init__(
            f"the exchange answered with error {readable(code)} instead of data; its words are in `msg`",
            field=field,
            raw=raw,
        )
        self.__dict__.update(code=code, msg=msg)


class SubscriptionError(ExchangeError):
    """The exchange refused to subscribe `channels`, for the `reason` that it gives."""

    channels: tuple[str, ...]
    reason: str

    def __init__(
        self, channels: tuple[str, ...], reason: str, *, code: Any = 0, msg: str | None = None, raw: bytes | None = None
    ) -> None:
        InvalidDataError.__init__(
            self,
            f"the exchange refused to subscribe {len(channels)} channels; see `channels` and `reason`",
            field="msg",
            raw=raw,
        )
        self.__dict__.update(code=code, msg=msg, channels=channels, reason=reason)
