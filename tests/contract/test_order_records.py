from metacore.testing import contract


class TestOrderRecord(contract.OrderRecordStorageContract):
    """On every backend, in both runners."""


class TestOrderRecordList(contract.OrderRecordListContract):
    """On every backend, in both runners."""


class TestCustomerRecordList(contract.CustomerRecordListContract):
    """On every backend, in both runners."""


class TestOrderRecordService(contract.OrderRecordServiceContract):
    """On every backend, in both runners."""
