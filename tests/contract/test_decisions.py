from metacore.testing import contract


class TestLoad(contract.LoadContract):
    """On every backend, in both runners."""


class TestSave(contract.SaveContract):
    """On every backend, in both runners."""
