"""Pushes in protobuf: `PushDataV3ApiWrapper`, read into the JSON object that protobuf defines for it.

The messages are described here, by the names and numbers of https://github.com/mexcdevelop/websocket-proto. Bodies of
public channels that are not described are known by their channel alone.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from metacore.errors import ConfigurationError, InvalidDataError
from metacore.exchanges.fields import join

if TYPE_CHECKING:
    from google.protobuf.message import Message

_PACKAGE = "metacore.mexc"
_WRAPPER = "PushDataV3ApiWrapper"

# Each field by its number: its name and type, with "?" where protobuf tells whether it was sent.
_MESSAGES: dict[str, dict[int, tuple[str, str]]] = {
    "PrivateOrdersV3Api": {
        1: ("id", "string"),
        2: ("clientId", "string"),
        3: ("price", "string"),
        4: ("quantity", "string"),
        5: ("amount", "string"),
        6: ("avgPrice", "string"),
        7: ("orderType", "int32"),
        8: ("tradeType", "int32"),
        9: ("isMaker", "bool"),
        10: ("remainAmount", "string"),
        11: ("remainQuantity", "string"),
        12: ("lastDealQuantity", "string?"),
        13: ("cumulativeQuantity", "string"),
        14: ("cumulativeAmount", "string"),
        15: ("status", "int32"),
        16: ("createTime", "int64"),
        17: ("market", "string?"),
        18: ("triggerType", "int32?"),
        19: ("triggerPrice", "string?"),
        20: ("state", "int32?"),
        21: ("ocoId", "string?"),
        22: ("routeFactor", "string?"),
        23: ("symbolId", "string?"),
        24: ("marketId", "string?"),
        25: ("marketCurrencyId", "string?"),
        26: ("currencyId", "string?"),
    },
    "PrivateDealsV3Api": {
        1: ("price", "string"),
        2: ("quantity", "string"),
        3: ("amount", "string"),
        4: ("tradeType", "int32"),
        5: ("isMaker", "bool"),
        6: ("isSelfTrade", "bool"),
        7: ("tradeId", "string"),
        8: ("clientOrderId", "string"),
        9: ("orderId", "string"),
        10: ("feeAmount", "string"),
        11: ("feeCurrency", "string"),
        12: ("time", "int64"),
    },
    "PrivateAccountV3Api": {
        1: ("vcoinName", "string"),
        2: ("coinId", "string"),
        3: ("balanceAmount", "string"),
        4: ("balanceAmountChange", "string"),
        5: ("frozenAmount", "string"),
        6: ("frozenAmountChange", "string"),
        7: ("type", "string"),
        8: ("time", "int64"),
    },
    _WRAPPER: {
        1: ("channel", "string"),
        3: ("symbol", "string?"),
        4: ("symbolId", "string?"),
        5: ("createTime", "int64?"),
        6: ("sendTime", "int64?"),
        304: ("privateOrders", "PrivateOrdersV3Api"),
        306: ("privateDeals", "PrivateDealsV3Api"),
        307: ("privateAccount", "PrivateAccountV3Api"),
    },
}


def read_push(source: bytes) -> dict[str, Any]:
    """The message in `source`: the fields that it tells, by their names.

    Fields that are not described are passed over, as protobuf has it; one that is, but comes as another type, is
    refused. ConfigurationError without the extra `mexc`.
    """
    wrapper, decode_error = _runtime()
    message = wrapper()
    try:
        message.ParseFromString(source)
    except (decode_error, ValueError):  # a text that is not UTF-8 is the one or the other, by implementation
        raise InvalidDataError("the payload is neither JSON nor a protobuf push of the exchange", raw=source) from None
    fields = _fields(message, source)
    if len(bodies := [name for name, value in fields.items() if isinstance(value, dict)]) > 1:
        raise InvalidDataError("a message has one body", field=bodies[1], raw=source)
    return fields


def _fields(message: Message, source: bytes, path: str = "") -> dict[str, Any]:
    from google.protobuf.unknown_fields import UnknownFieldSet

    described = message.DESCRIPTOR.fields_by_number
    unknown = UnknownFieldSet(message)
    for index in range(len(unknown)):
        if (number := unknown[index].field_number) in described:
            name = join(path, described[number].name)
            raise InvalidDataError("comes as another protobuf type than it has", field=name, raw=source)
    fields = {}
    for field, value in message.ListFields():
        is_message = field.message_type is not None
        fields[field.name] = _fields(value, source, join(path, field.name)) if is_message else value
    return fields


@cache
def _runtime() -> tuple[type[Message], type[Exception]]:
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory
    except ImportError:
        raise ConfigurationError(
            "pushes in protobuf need the extra `mexc`: pip install 'metacore[mexc]'", setting="mexc"
        ) from None
    file = descriptor_pb2.FileDescriptorProto(name="metacore/mexc.proto", package=_PACKAGE, syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in _MESSAGES.items():
        described = file.message_type.add(name=name)
        for number, (field_name, kind) in fields.items():
            field = described.field.add(name=field_name, number=number, label=kinds.LABEL_OPTIONAL)
            scalar = kind.removesuffix("?")
            if scalar in _MESSAGES:
                field.type, field.type_name = kinds.TYPE_MESSAGE, f".{_PACKAGE}.{scalar}"
            else:
                field.type = getattr(kinds, f"TYPE_{scalar.upper()}")
            if kind.endswith("?"):
                # What protobuf's compiler makes of `optional`: a group of its own for each such field.
                field.proto3_optional = True
                field.oneof_index = len(described.oneof_decl)
                described.oneof_decl.add(name=f"_{field_name}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{_WRAPPER}")), message.DecodeError
