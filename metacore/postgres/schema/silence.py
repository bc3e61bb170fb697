"""Keeps Alembic's commentary on its work out of the user's logs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("alembic.runtime.migration", "alembic.runtime.plugins")


@contextmanager
def silence() -> Iterator[None]:
    """For the time of work by Alembic in this thread: what it says at INFO goes nowhere, its warnings go on.

    Other threads, which may use Alembic for tables of their own, log as before, and levels and handlers stay as the
    user has set them.
    """
    thread = threading.get_ident()

    def passes(record: logging.LogRecord) -> bool:
        return record.levelno > logging.INFO or record.thread != thread

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(passes)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(passes)
