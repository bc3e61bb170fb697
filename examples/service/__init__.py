"""A web service over Metacore: accounts, orders, what the exchange says of them, and balances with their history."""
