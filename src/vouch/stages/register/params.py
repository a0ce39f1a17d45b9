"""Parameters of ``register``."""

from vouch.core.settings import Params
from vouch.results.register import Mode


class RegisterParams(Params):
    """What the gate may do.

    Attributes:
        gate: ``enabled`` promotes a challenger that proved better, ``approval`` leaves that to a
            person, whom the flow ``retraining`` asks, ``dry_run`` only says what it would have
            done, ``disabled`` leaves every promotion to people.
    """

    gate: Mode = "enabled"
