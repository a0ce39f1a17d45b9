"""Abbreviations of time zones that have one common meaning."""

ABBREVIATIONS = {
    **{"UTC": "+0000", "GMT": "+0000", "PDT": "-0700", "PST": "-0800", "MDT": "-0600"},
    **{"MST": "-0700", "CDT": "-0500", "EDT": "-0400", "EST": "-0500", "WEST": "+0100"},
    **{"CET": "+0100", "CEST": "+0200", "EET": "+0200", "EEST": "+0300", "MSK": "+0300"},
    **{"JST": "+0900", "KST": "+0900", "AEST": "+1000", "AEDT": "+1100", "NZST": "+1200"},
}
"""Zones that ``%Z`` may name: those whose abbreviation has one common meaning."""
