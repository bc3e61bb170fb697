"""Factories (factory-boy) of the models that go into a storage: complete, plausible, and different from each other.

`NewOrderFactory.build(user_id=user.id, side="SELL")`; the user is always told, and `of=order` gives updates, reports
and trades what they share with it.
"""

from metacore.testing.factories.balances import AccountBalanceFactory as AccountBalanceFactory
from metacore.testing.factories.balances import AccountSnapshotFactory as AccountSnapshotFactory
from metacore.testing.factories.balances import BalanceDeltaFactory as BalanceDeltaFactory
from metacore.testing.factories.balances import NewReservationFactory as NewReservationFactory
from metacore.testing.factories.commerce import OrderRecordFactory as OrderRecordFactory
from metacore.testing.factories.market import BarPartFactory as BarPartFactory
from metacore.testing.factories.messages import DeadLetterFactory as DeadLetterFactory
from metacore.testing.factories.messages import NewEventFactory as NewEventFactory
from metacore.testing.factories.people import NewSessionFactory as NewSessionFactory
from metacore.testing.factories.people import NewUserFactory as NewUserFactory
from metacore.testing.factories.trading import ExecutionReportFactory as ExecutionReportFactory
from metacore.testing.factories.trading import NewOrderFactory as NewOrderFactory
from metacore.testing.factories.trading import NewOrderUpdateFactory as NewOrderUpdateFactory
from metacore.testing.factories.trading import NewTradeFactory as NewTradeFactory
