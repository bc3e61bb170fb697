"""A service takes a storage of its own world, and refuses the other one's by name."""

import asyncio
import inspect
from typing import Any

import pytest

import metacore
import metacore.sync
from metacore.services.key_rotation import KeyRotation
from metacore.sync.services.key_rotation import KeyRotation as BlockingKeyRotation


def services(module: Any) -> list[Any]:
    """What is made of a storage among the public names."""
    classes = [getattr(module, name) for name in module.__all__]
    return [
        named
        for named in classes
        if inspect.isclass(named)
        and ".services." in named.__module__
        and "storage" in inspect.signature(named).parameters
    ]


def made(service: Any, storage: Any) -> Any:
    """The service over `storage`, with what else it cannot do without."""
    required = [one.name for one in inspect.signature(service).parameters.values() if one.default is one.empty]
    return service(storage, **{name: value for name, value in OTHERS.items() if name in required})


OTHERS: dict[str, Any] = {"topics": ["trading"], "send": print}
ASYNCHRONOUS = list(dict.fromkeys([*services(metacore), KeyRotation]))
BLOCKING = list(dict.fromkeys([*services(metacore.sync), BlockingKeyRotation]))


def test_there_are_services_to_try() -> None:
    names = {service.__name__ for service in ASYNCHRONOUS}
    assert names == {service.__name__ for service in BLOCKING}
    assert names >= {"TradingService", "PortfolioService", "OrderRecordService", "AccountService"}


@pytest.mark.parametrize("service", BLOCKING)
@pytest.mark.parametrize("url", ["memory://", "postgresql://nobody@localhost:1/nothing"])
def test_a_blocking_service_refuses_an_asynchronous_storage(service: Any, url: str) -> None:
    with pytest.raises(TypeError, match=f"{service.__name__} is blocking.*from metacore"):
        made(service, metacore.connect(url))


@pytest.mark.parametrize("service", ASYNCHRONOUS)
@pytest.mark.parametrize("url", ["memory://", "postgresql://nobody@localhost:1/nothing"])
def test_an_asynchronous_service_refuses_a_blocking_storage(service: Any, url: str) -> None:
    with pytest.raises(TypeError, match=f"{service.__name__} is asynchronous.*from metacore.sync"):
        made(service, metacore.sync.connect(url))


def test_a_transaction_is_refused_like_its_storage() -> None:
    async def asynchronous() -> None:
        async with metacore.connect("memory://") as storage, storage.transaction() as tx:
            assert metacore.TradingService(tx)
            for service in BLOCKING:
                with pytest.raises(TypeError, match="is blocking"):
                    made(service, tx)

    asyncio.run(asynchronous())
    with metacore.sync.connect("memory://") as storage, storage.transaction() as tx:
        assert metacore.sync.TradingService(tx)
        for service in ASYNCHRONOUS:
            with pytest.raises(TypeError, match="is asynchronous"):
                made(service, tx)
