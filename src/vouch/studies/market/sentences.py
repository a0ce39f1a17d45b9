"""What the market report concludes, in words."""

from collections.abc import Mapping
from typing import Any

from vouch.pages.formats import count, metric, number_of, span, when
from vouch.studies.market.findings import ALL
from vouch.studies.market.params import MarketParams
from vouch.studies.market.regress import percent

Content = Mapping[str, Any]


def conclusion(results: Content, params: MarketParams) -> list[str]:
    """Return whether prices follow sentiment, and what else was found.

    Args:
        results: The report's content so far: ``analysis``, ``prices`` and ``tweets``.
        params: What counted as found.

    Returns:
        Sentences; the first is the answer.
    """
    outcome = results["analysis"]["conclusion"]
    if outcome["verdict"] == "too few":
        return _too_few(results, outcome, params)
    sentences = [
        _effect(outcome, params) if outcome["verdict"] == "effect" else _none(outcome, params)
    ]
    sentences.append(_out_of_sample(results["analysis"]["out_of_sample"]))
    if follows := outcome["follows"]:
        sentences.append(
            f"Sentiment follows prices: tweets{_about(follows)} are more "
            f"{'positive' if follows['sign'] > 0 else 'negative'} "
            f"{_lag(-follows['lag'], params)} after a rise."
        )
    if same := outcome["same"]:
        sentences.append(
            f"Within one window, sentiment and price{_about(same)} move "
            f"{'together' if same['sign'] > 0 else 'contrary to each other'}; which of them moves "
            "first cannot be told at this resolution."
        )
    return sentences


def _too_few(results: Content, outcome: Content, params: MarketParams) -> list[str]:
    tweets, prices = results["tweets"], results["prices"]
    return [
        f"Too few windows overlap to conclude anything: {_most(outcome['most'])} of "
        f"{params.minutes} minutes with both a tweet and a price; {params.least} are needed.",
        f"Tweets run from {when(tweets['since'])} to {when(tweets['until'])}, prices from "
        f"{when(prices['since'])} to {when(prices['until'])} "
        f"({', '.join(prices['assets'])}).",
    ]


def _most(windows: int) -> str:
    if not windows:
        return "no asset has a single window"
    return f"the asset with most has {number_of(range(windows), 'window')}"


def _effect(outcome: Content, params: MarketParams) -> str:
    low, high = outcome["effect"]["interval"]
    return (
        f"An effect of sentiment on price is found: {_lag(outcome['lag'], params)} after more "
        f"positive tweets, {_price(outcome)} {'rises' if outcome['sign'] > 0 else 'falls'}. A "
        f"standard deviation of sentiment moves it {metric(abs(outcome['effect']['value']))} "
        f"standard deviations of a window's return ({percent()} interval "
        f"{metric(low)} to {metric(high)}, corrected p {_p(outcome['p_holm'])})."
    )


def _none(outcome: Content, params: MarketParams) -> str:
    could = (
        f"; one of {metric(outcome['detectable'])} standard deviations of a window's return, for "
        "one of sentiment as it was read, would have been found in four of five cases"
        if outcome["detectable"]
        else ""
    )
    return (
        f"No effect of sentiment on price is found, at any lag from 1 to {params.lags} windows "
        f"({span(params.minutes * 60)} to {span(params.lags * params.minutes * 60)}){could}."
    )


def _out_of_sample(results: Content) -> str:
    measured = results.get("sentiment")
    if not measured:
        return "There are too few windows to predict returns out of sample."
    low, high = measured["interval"]
    better = "better than" if low > 0 else "no better than"
    return (
        f"Out of sample, sentiment predicts returns {better} their mean: R² "
        f"{metric(measured['value'])} ({metric(low)} to {metric(high)}) on the last "
        f"{count(measured['rows'])} windows of all assets, learnt from those before."
    )


def _price(outcome: Content) -> str:
    return "an asset's price" if outcome["series"] == ALL else f"the price of {outcome['series']}"


def _about(outcome: Content) -> str:
    return "" if outcome["series"] == ALL else f" of {outcome['series']}"


def _lag(windows: int, params: MarketParams) -> str:
    time = span(windows * params.minutes * 60)
    return f"{windows} window{'s' * (windows != 1)} ({time})"


def _p(value: float) -> str:
    return "below 0.0001" if value < 0.0001 else metric(value)


def warnings(results: Content) -> list[str]:
    """Return what the reader should know before trusting the rest."""
    tweets = results["tweets"]
    sentences = []
    if results["lexicon"]:
        sentences.append(
            "A lexicon misreads many tweets, which hides effects: with the scores of a trained "
            "model (vouch score, then --scores) weaker ones can be found."
        )
    if tweets["rows"] < tweets["lines"]:
        lost = tweets["lines"] - tweets["rows"]
        sentences.append(
            f"{number_of(range(lost), 'line')} of tweets could not be read (rejects.parquet)."
        )
    if tweets["unmapped"]:
        sentences.append(
            f"{count(tweets['unmapped'])} of {count(tweets['tweets'])} tweets name no asset of the "
            "table and are in no window: give --assets to name more."
        )
    if tweets["unclassed"]:
        sentences.append(
            f"{count(tweets['unclassed'])} of {count(tweets['tweets'])} tweets have no score and "
            "are in no window."
        )
    without = sorted(set(tweets["assets"]) - set(results["prices"]["assets"]))
    if without:
        sentences.append(f"There are no prices of {', '.join(without)}.")
    few = [a for a in results["analysis"]["windows"] if a not in results["analysis"]["judged"]]
    if few and results["analysis"]["judged"]:
        sentences.append(f"Too few windows to judge by themselves: {', '.join(few)}.")
    return sentences
