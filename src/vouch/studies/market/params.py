"""What can be chosen in the market report."""

from dataclasses import dataclass, fields

from vouch.core.errors import VouchError, suggest


@dataclass(frozen=True)
class Thresholds:
    """From how many standard deviations on a window is an alert.

    Deviations are from the mean of the windows before it, a day of them.

    Attributes:
        price: Of the return.
        activity: Of the number of tweets.
        sentiment: Of the sum of sentiment.
    """

    price: float = 5.0
    activity: float = 6.0
    sentiment: float = 5.0


@dataclass(frozen=True)
class MarketParams:
    """What is looked for, and when it counts as found.

    Attributes:
        minutes: Length of a window.
        lags: How many windows before and after are looked at.
        alpha: Chance of one false finding or more, over all assets and lags together, for long
            series; six weeks of generated ones, whose tweets come in bursts, had up to twice as
            many.
        least: Windows with both tweets and a price that an asset must have to be judged.
        controls: Past windows of return and impulse held fixed.
        trailing: Windows whose volatility a return is measured in, and an alert's are compared to.
        train: First share of the windows, that the regression out of sample is fitted on.
        thresholds: When a window is an alert.
        threshold: VADER's compound score from which a tweet is positive.
    """

    minutes: int = 15
    lags: int = 8
    alpha: float = 0.01
    least: int = 100
    controls: int = 4
    trailing: int = 96
    train: float = 0.7
    thresholds: Thresholds = Thresholds()
    threshold: float = 0.05

    def __post_init__(self) -> None:
        """Check that every value is in range.

        Raises:
            VouchError: One is not.
        """
        for name, value, low, high in (
            ("lags", self.lags, 1, 96),
            ("alpha", self.alpha, 1e-6, 0.2),
            ("threshold", self.threshold, 0.001, 1),
        ):
            if not low <= value <= high:
                raise VouchError(f"--{name}: got {value}", f"give a value from {low} to {high}")


def thresholds(text: str) -> Thresholds:
    """Read thresholds such as ``price=4,sentiment=6``; one that is not named keeps its default.

    Raises:
        VouchError: An unknown name, or no number above 0.
    """
    names = [field.name for field in fields(Thresholds)]
    values: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, value = part.partition("=")
        if name not in names:
            raise VouchError(f"--alerts: no {name!r} to watch", suggest(name, names))
        values[name] = _above_zero(name, value)
    return Thresholds(**values)


def _above_zero(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise VouchError(
            f"--alerts: {name}={text}: must be a number of standard deviations above 0",
            f"--alerts {name}=5",
        )
    return value
