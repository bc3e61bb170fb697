from metacore.testing.contract import (
    service_ledger,
    service_ledger_limits,
    service_ledger_races,
    service_ledger_transfers,
)


class TestReservations(service_ledger.ReservationContract):
    """On every backend, in both worlds."""


class TestReservationLimits(service_ledger_limits.ReservationLimitsContract):
    """On every backend, in both worlds."""


class TestLedgerRace(service_ledger_races.LedgerRaceContract):
    """On every backend, in both worlds."""


class TestLedgerWaiting(service_ledger_races.LedgerWaitingContract):
    """On every backend, in both worlds."""


class TestUserTransfers(service_ledger_transfers.UserTransferContract):
    """On every backend, in both worlds."""
