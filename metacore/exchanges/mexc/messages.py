"""Messages of a connection: protobuf or JSON, pushes or answers."""

from __future__ import annotations

import re

from metacore.errors import InvalidDataError, SubscriptionError
from metacore.exchanges.fields import Fields
from metacore.exchanges.mexc.protobuf import read_push
from metacore.exchanges.payloads import Payload, frozen, read_answer, refuse_error, source_of

MAX_MESSAGE_BYTES = 2**20
"""The exchange's pushes are far below it."""

_BEGINS_JSON = re.compile(rb"[ \t\r\n]*[{\[]")
_PUBLIC = re.compile(
    r"spot@public\.(aggre\.)?(deals|depth|bookTicker|increase\.depth|limit\.depth|miniTickers?|kline)(\.batch)?\.v3\.api\b.*"
)
_CHANNELS = re.compile(r"spot@[^\s\[\],]+")
_SUBSCRIBED = re.compile(r"spot@[^\s\[\],]+(,\s*spot@[^\s\[\],]+)*|(un)?subscribed success.*", re.IGNORECASE)
_REFUSED = re.compile(r"not (?:un)?subscribed[^\[]*\[([^\]]*)\]", re.IGNORECASE)
_REASON = re.compile(r"reason\s*[:\uff1a]\s*(.*)", re.IGNORECASE | re.DOTALL)


def read_message(payload: Payload) -> Fields:
    """The message in `payload`: bytes are protobuf unless they begin as JSON does."""
    source = source_of(payload)
    if source is not None and len(source) > MAX_MESSAGE_BYTES:
        raise InvalidDataError(f"a message has at most {MAX_MESSAGE_BYTES} bytes", raw=source)
    if source is not None and is_protobuf(payload):
        return frozen(read_push(source), source)
    return read_answer(payload)


def is_protobuf(payload: Payload) -> bool:
    """Whether it is bytes that do not begin as JSON does."""
    return isinstance(payload, bytes | bytearray | memoryview) and not _BEGINS_JSON.match(payload)


def is_public(message: Fields) -> bool:
    """Whether it is of a channel of market data."""
    channel = message.find("channel", "c")[1]
    return isinstance(channel, str) and _PUBLIC.fullmatch(channel) is not None


def is_answer(message: Fields) -> bool:
    """Whether it is a good answer of the exchange to PING or to a subscription; raises the error that it is if bad."""
    if message.find("channel", "c")[1] is not None or not {"msg", "code"} & message.values.keys():
        return False
    code, msg = message.values.get("code"), message.values.get("msg")
    if isinstance(msg, str):
        if code in (None, 0) and (msg.upper() == "PONG" or (_SUBSCRIBED.fullmatch(msg) and not _REFUSED.search(msg))):
            return True
        refused = _REFUSED.search(msg)
        if refused or code in (None, 0):
            channels = _CHANNELS.findall(refused[1] if refused else msg)
            reason = _REASON.search(msg)
            said = (reason[1] if reason else msg).strip()
            raise SubscriptionError(tuple(channels), said, code=code, msg=msg, raw=message.source)
    refuse_error(message)
    raise message.error("msg", "is none of the exchange's answers to PING and subscriptions")
