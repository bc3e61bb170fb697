"""Typed settings, each also as an environment variable `METACORE_...`."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, PlainValidator, StringConstraints, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from metacore.crypto.ring import KeyRing, KeySource, parse_keys
from metacore.errors import ConfigurationError, bare

Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]

DEFAULT_SCHEMA = "metacore"

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=63)]


with warnings.catch_warnings():
    # The field `schema` takes the place of a deprecated method of pydantic's, which says so when the class is made.
    warnings.simplefilter("ignore", UserWarning)

    class Settings(BaseSettings):
        """How to open a storage. Times are in seconds; a server-side timeout is set on every connection.

        A wrong argument is pydantic's ValidationError; without arguments, a wrong variable is a ConfigurationError that
        names it.
        """

        model_config = SettingsConfigDict(
            env_prefix="METACORE_", frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=False
        )

        pool_min_size: Annotated[int, Field(ge=0, le=1000)] = 1
        pool_max_size: Annotated[int, Field(ge=1, le=1000)] = 10
        pool_timeout: Seconds = 10
        """How long an operation waits for a free connection before it raises PoolTimeoutError."""
        pool_max_waiting: Annotated[int, Field(ge=0)] = 0
        """How many operations may wait for a connection; 0 for any number."""
        pool_max_lifetime: Seconds = 3600
        pool_max_idle: Seconds = 600
        connect_timeout: Annotated[int, Field(ge=1, le=3600)] = 10
        statement_timeout: Seconds = 30
        import_timeout: Seconds = 3600
        """In place of `statement_timeout`, for the statements of bulk imports (`create_many`, `save_many`)."""
        lock_timeout: Seconds = 5
        """How long to wait for another transaction that holds a lock before LockTimeoutError. A call that needs several
        locks, of a user, orders and balances, may wait so long for each one that is held; a service ends with the first
        such error, `run` begins again.
        """
        timeouts_with_begin: bool = False
        """Send `statement_timeout` and `lock_timeout` with each BEGIN, and a BEGIN with each operation: where those of
        the connection's start do not arrive, as behind a pooler by the transaction.
        """
        idle_in_transaction_timeout: Seconds = 60
        application_name: Annotated[str, StringConstraints(min_length=1, max_length=63)] = "metacore"
        schema: Identifier = DEFAULT_SCHEMA  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride, reportIncompatibleMethodOverride, reportAssignmentType]
        """The PostgreSQL schema of all tables."""
        prepared_statements: bool = True
        """False behind a connection pooler that cannot keep server-side prepared statements."""
        normalize_names: bool = False
        """Put usernames and e-mail addresses into a normal form, so that names which look alike are one name. From the
        first user on, or not at all: a name that was stored otherwise is not found."""
        encryption_keys: Annotated[KeyRing | KeySource | None, NoDecode, PlainValidator(parse_keys)] = Field(
            default=None, exclude=True, repr=False
        )
        """What credentials are encrypted with: `id:base64,id:base64`, 32 bytes each, the current key first; in Python
        also a mapping of ids to bytes, or a callable that gives either. Without it credentials are refused, and all
        else works.
        """
        encryption_keys_max_age: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 60
        """How long keys that a callable gave are used before it is asked again."""

        if not TYPE_CHECKING:

            def __init__(self, **values: Any) -> None:
                try:
                    super().__init__(**values)
                except ConfigurationError as error:
                    failure = error
                except ValidationError as error:
                    failure = error if values else _wrong_variable(error)
                else:
                    return
                del values
                raise bare(failure)


def _wrong_variable(error: ValidationError) -> ConfigurationError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    name = str(first["loc"][0])
    return ConfigurationError(f"METACORE_{name.upper()}: {first['msg']}", setting=name)
