"""The market report: do the prices of coins move with the sentiment of tweets about them?"""
