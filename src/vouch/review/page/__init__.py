"""The review page: people log in, get one case at a time, and decide it."""
