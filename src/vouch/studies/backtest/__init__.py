"""Prequential backtest: train on what was known, assess on the following week."""
