"""The sealed holdout: a keeper that answers few questions, and the ledger that charges them."""
