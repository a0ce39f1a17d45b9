"""Every history feature in plain Python, row by row: slow, and obviously right."""

from math import nan, sqrt

STRENGTH = {"rule": 1, "given": 2, "chargeback": 2, "reviewer": 3}
DAY = 24 * 60  # minutes


def mean(values):
    return sum(values) / len(values) if values else nan


def features(rows, issues, windows):
    """Compute windows, habits and risk of each row; times and windows in minutes."""
    found = {row[0]: {} for row in rows}
    ratios = {row[0]: usual(row, rows) for row in rows}
    for row in rows:
        out = found[row[0]]
        for party, place in (("payer", 2), ("payee", 3)):
            for window in windows:
                out |= volume(party, place, row, rows, window)
            out |= risk(party, place, row, rows, issues, windows)
        out["payer_ratio"], out["payer_zscore"] = ratios[row[0]]
        for days in (7, 14):
            out |= recent(row, rows, ratios, days)
    return found


def before(row, rows, place, window):
    return [r for r in rows if r[place] == row[place] and row[1] - window < r[1] < row[1]]


def volume(party, place, row, rows, window):
    seen = [row, *before(row, rows, place, window)]
    amounts = [r[4] for r in seen]
    return {
        f"{party}_count_{window}m": len(seen),
        f"{party}_sum_{window}m": sum(amounts),
        f"{party}_mean_{window}m": mean(amounts),
    }


def usual(row, rows):
    amounts = [r[4] for r in before(row, rows, 2, 90 * DAY)]
    average = mean(amounts)
    ratio = row[4] / average if amounts and average else nan
    if len(amounts) < 2:
        return ratio, nan
    deviation = sqrt(sum((a - average) ** 2 for a in amounts) / (len(amounts) - 1))
    return ratio, (row[4] - average) / deviation if deviation > 1e-9 else nan


def recent(row, rows, ratios, days):
    seen = [row, *before(row, rows, 2, days * DAY)]
    known = [ratios[r[0]][0] for r in seen if ratios[r[0]][0] == ratios[r[0]][0]]
    return {
        f"payer_ratio_mean_{days}d": mean(known),
        f"payer_ratio_max_{days}d": max(known, default=nan),
        f"payer_amount_max_{days}d": max(r[4] for r in seen),
    }


def changes(rows, issues):
    """What became known of each row: (row, from when, known, fraud)."""
    for row in rows:
        truth = [i for i in issues if i[0] == row[0] and i[2] != "rule" and i[4]]
        held = None
        # known from its issue on, but never at the row's own moment
        for moment in sorted({max(i[3], row[1] + 1e-9) for i in truth}):
            known = [i for i in truth if max(i[3], row[1] + 1e-9) <= moment]
            label = max((STRENGTH[i[2]], i[3], i[1]) for i in known)[2]
            if held is None:
                yield row, moment, 1, int(label > 0)
            else:
                yield row, moment, 0, int(label > 0) - int(held > 0)
            held = label


def unflagged(row, issues):
    rule = [(i[3], i[1]) for i in issues if i[0] == row[0] and i[2] == "rule"]
    return bool(rule) and max(rule)[1] == 0


def risk(party, place, row, rows, issues, windows):
    told = [c for c in changes(rows, issues) if c[0][place] == row[place] and c[1] <= row[1]]
    out = {}
    for window in windows:
        lately = [c for c in told if c[1] > row[1] - window]
        known = max(sum(c[2] for c in lately), 0)
        out[f"{party}_known_{window}m"] = known
        for variant in ("", "unflagged_"):
            chosen = [c for c in lately if not variant or unflagged(c[0], issues)]
            frauds = max(sum(c[3] for c in chosen), 0)
            out[f"{party}_{variant}frauds_{window}m"] = frauds
            out[f"{party}_{variant}fraud_share_{window}m"] = frauds / known if known else nan
    for variant in ("", "unflagged_"):
        chosen = [c for c in told if not variant or unflagged(c[0], issues)]
        frauds = [c[0][1] for c in chosen if c[3] > 0]
        genuine = [c[0][1] for c in chosen if c[3] == 0 and c[2] > 0]
        lately = [c[0][1] for c in chosen if c[3] > 0 and c[1] > row[1] - max(windows)]
        out[f"{party}_{variant}since_first_fraud"] = since(row, min(frauds, default=None))
        out[f"{party}_{variant}since_last_fraud"] = since(row, max(frauds, default=None))
        out[f"{party}_{variant}since_last_genuine"] = since(row, max(genuine, default=None))
        newer = max(frauds) - max(genuine) if frauds and genuine else nan
        out[f"{party}_{variant}fraud_lead"] = newer / DAY
        out[f"{party}_{variant}since_fraud_{max(windows)}m"] = since(row, min(lately, default=None))
    return out


def since(row, moment):
    return nan if moment is None else (row[1] - moment) / DAY
