from metacore.testing import contract


class TestOrderRecord(contract.OrderRecordStorageContract):
    """On every backend, in both worlds."""


class TestOrderRecordBatch(contract.OrderRecordBatchContract):
    """On every backend, in both worlds."""


class TestOrderRecordList(contract.OrderRecordListContract):
    """On every backend, in both worlds."""


class TestCustomerRecordList(contract.CustomerRecordListContract):
    """On every backend, in both worlds."""


class TestOrderRecordService(contract.OrderRecordServiceContract):
    """On every backend, in both worlds."""
