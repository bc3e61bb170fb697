from metacore.testing import contract


class TestLoad(contract.LoadContract):
    """On every backend, in both worlds."""


class TestFactLoad(contract.FactLoadContract):
    """On every backend, in both worlds."""


class TestMessagesLoad(contract.MessagesLoadContract):
    """On every backend, in both worlds."""


class TestSave(contract.SaveContract):
    """On every backend, in both worlds."""


class TestLast(contract.LastContract):
    """On every backend, in both worlds."""


class TestParts(contract.PartsContract):
    """On every backend, in both worlds."""
