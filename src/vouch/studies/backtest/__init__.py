"""Prequential backtest: train on what was known, assess on the week that came after."""
