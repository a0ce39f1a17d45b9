"""Questions asked beside the pipeline: the market, a backtest, what differs between versions."""
