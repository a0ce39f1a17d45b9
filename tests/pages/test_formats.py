from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouch.pages import formats

NOTHING = [None, "", "text", float("nan"), float("inf"), True, {}, []]


@pytest.mark.parametrize("write", [formats.count, formats.money, formats.share, formats.metric])
@pytest.mark.parametrize("value", NOTHING)
def test_what_is_no_number_is_a_dash(write, value):
    assert write(value) == formats.MISSING


@pytest.mark.parametrize(
    ("write", "value", "written"),
    [
        (formats.count, 1234567, "1,234,567"),
        (formats.money, 12.5, "12.50"),
        (formats.money, 12345.6, "12,346"),
        (formats.money, 1_144_392_944_759.77, "1.14 trillion"),
        (formats.money, -2_500_000, "-2.50 million"),
        (formats.share, 0, "0 %"),
        (formats.share, 1, "100 %"),
        (formats.share, 0.00129, "0.13 %"),
        (formats.share, 0.0000012, "under 0.001 %"),
        (formats.share, 0.04123, "4.12 %"),
        (formats.share, 0.5, "50.0 %"),
        (formats.metric, 0.98765, "0.988"),
        (formats.metric, 0.00012345, "0.00012"),
        (formats.metric, 0, "0.000"),
        (formats.span, 86400.0, "24 hours"),
        (formats.span, 604800, "7 days"),
        (formats.span, 90, "90 seconds"),
        (formats.words, "roc_auc", "ROC AUC"),
        (formats.words, "random_forest", "Random forest"),
        (formats.when, "2024-01-05T00:00:00", "5 Jan 2024"),
        (formats.when, datetime(2024, 1, 5, 13, 7), "5 Jan 2024 13:07"),
        (formats.when, "latest", "latest"),
        (formats.when, None, "–"),
        (formats.figure, {"value": 0.5, "interval": [0.4, 0.6]}, "0.500 (0.400 to 0.600)"),
        (formats.figure, {"value": 0.5, "interval": None}, "0.500"),
        (formats.figure, {"value": None, "interval": None}, "–"),
        (formats.plain, {"max_depth": 4, "eta": 0.123456}, "Max depth 4, Eta 0.123"),
        (formats.plain, [True, None, "x", 1500], "yes, –, x, 1,500"),
    ],
)
def test_values_read_well(write, value, written):
    assert write(value) == written


@given(st.floats(min_value=1e-12, max_value=1))
def test_a_share_is_about_itself_and_never_nothing(value):
    written = formats.share(value).removesuffix(" %")
    assert written == "under 0.001" or float(written) == pytest.approx(100 * value, rel=0.06)


@given(st.floats(min_value=0, max_value=1))
def test_a_metric_is_about_itself(value):
    assert float(formats.metric(value)) == pytest.approx(value, abs=5.1e-4, rel=0.06)
