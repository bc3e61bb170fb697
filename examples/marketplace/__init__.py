"""A marketplace: five services and a gateway, whose stock is a ledger and whose events come by Kafka."""
