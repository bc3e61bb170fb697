"""Messages of a stream: as they are, or in the wrapper of a combined stream."""

from __future__ import annotations

from metacore.exchanges.fields import Fields
from metacore.exchanges.payloads import Items, Payload, read_wrapped

EXCHANGE = "BINANCE"


def read_message(payload: Payload) -> Fields | Items:
    """The message or the list of messages in `payload`."""
    return read_wrapped(payload, "stream", "data")


def require_kind(message: Fields, kind: str) -> None:
    """InvalidDataError if the message is of another kind."""
    if message.key("e") != kind:
        raise message.error("e", f"is not {kind}")


def symbol_of(message: Fields) -> str:
    """The symbol, in upper case: some streams tell it in the case that they were subscribed in."""
    return message.key("s").upper()
