"""The features of a payment."""
