"""The base of the tree of errors: their fields, their messages, and how they pickle and look in JSON."""

from __future__ import annotations

from typing import Any, TypeVar

from metacore.wording import printable

E = TypeVar("E", bound=Exception)


class MetacoreError(Exception):
    """Base of every error that Metacore raises on purpose.

    Subclasses keep their fields as attributes; errors pickle with them. A message is one line, escaped; fields are not.
    """

    dooms_transaction: bool = True
    """Whether this error, raised by an operation of a storage inside a transaction, dooms it up to the nearest
    savepoint. A class tells what its errors do; one that the database itself raised dooms in any case, and says so.
    """

    def __init__(self, message: str, **fields: Any) -> None:
        message = printable(message)
        super().__init__(message)
        self.message = message
        self.__dict__.update(fields)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, {k: v for k, v in self.__dict__.items() if k != "message"})

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """How models hold an error: as it is, and in JSON by its type and message alone."""
        from pydantic_core import core_schema

        serialization = core_schema.plain_serializer_function_ser_schema(_in_json, when_used="json")
        return core_schema.is_instance_schema(cls, serialization=serialization)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        """What an error is in JSON, in the schema of a model that holds one."""
        texts = {"type": {"type": "string", "description": "The name of the class of the error."}}
        texts["message"] = {"type": "string", "description": "What happened, and what to do next."}
        return {"type": "object", "title": cls.__name__, "properties": texts, "required": list(texts)}


def _in_json(error: MetacoreError) -> dict[str, str]:
    return {"type": type(error).__name__, "message": error.message}


def _rebuild(cls: type[MetacoreError], message: str, fields: dict[str, Any]) -> MetacoreError:
    error = cls.__new__(cls, message)
    Exception.__init__(error, message)
    error.__dict__.update(fields, message=message)
    return error


def bare(error: E) -> E:
    """`error` without the frames that it came through and the errors behind it, to be raised outside of a handler.

    Loggers may print the variables of frames; these ones hold a URL with its password, or keys.
    """
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
