from metacore.testing import contract


class TestReservation(contract.ReservationStorageContract):
    """On every backend, in both worlds."""
