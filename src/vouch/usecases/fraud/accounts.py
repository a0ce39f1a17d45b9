"""The accounts of payments: what holds for one payment of an account mostly does for others."""

import pandas as pd

from vouch.metrics.clusters import Clusters, clusters_of

PARTIES = ("payer", "payee")


def accounts(rows: pd.DataFrame) -> Clusters:
    """Return payments by their payers and payees, as far as the source declares these."""
    return clusters_of(rows, PARTIES)
