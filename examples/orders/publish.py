"""`python -m orders.publish FILE`: send the messages of a file, each line as it is, or the file if it is one object.

The broker is the one that SERVICES_KAFKA names, as the running service prints it. `-` is the standard input.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from common.tracing import Tracing
from orders.settings import OrderSettings


def messages(content: bytes) -> Sequence[bytes]:
    """The messages of a file: one, if all of it is one JSON object, else its lines that are not empty."""
    if _object(content) is not None:
        return [content]
    return [line for line in content.splitlines() if line]


def key_of(message: bytes) -> bytes | None:
    """The key by which all messages of one order come in turn: its uid; None where it tells none."""
    uid = (_object(message) or {}).get("order_uid")
    return uid.encode("utf-8", "surrogatepass") if isinstance(uid, str) else None


async def publish(url: str, settings: OrderSettings, content: Sequence[bytes]) -> None:
    """Send these messages, and return once the broker has all."""
    producer = AIOKafkaProducer(
        bootstrap_servers=url, acks="all", max_request_size=settings.largest_message, linger_ms=5
    )
    await producer.start()
    try:
        with Tracing("orders.publish").sending(settings.topic) as headers:
            kafka_headers = [(name, value.encode()) for name, value in headers.items()]
            sent = [
                await producer.send(settings.topic, message, key_of(message), headers=kafka_headers)
                for message in content
            ]
            await asyncio.gather(*sent)
    finally:
        await producer.stop()


def main(arguments: list[str]) -> str | None:
    """Send the messages of the file; what went wrong, if anything."""
    url = os.environ.get("SERVICES_KAFKA")
    if not url:
        return "error: set SERVICES_KAFKA, to what the running service prints"
    if len(arguments) != 1:
        return "usage: python -m orders.publish FILE"
    try:
        content = sys.stdin.buffer.read() if arguments[0] == "-" else Path(arguments[0]).read_bytes()
        found = messages(content)
        asyncio.run(publish(url, OrderSettings(), found))
    except OSError as error:
        return f"error: {arguments[0]}: {error.strerror}"
    except KafkaError as error:
        return f"error: {error}"
    print(f"{len(found)} messages sent to {OrderSettings().topic}")
    return None


def _object(text: bytes) -> dict[str, object] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
