"""Parameters of ``register``."""

from typing import Literal

from vouch.core.settings import Params

Mode = Literal["enabled", "approval", "dry_run", "disabled"]


class RegisterParams(Params):
    """What the gate may do.

    Attributes:
        gate: ``enabled`` promotes a challenger that proved better, ``approval`` leaves that to a
            person, whom the flow ``retraining`` asks, ``dry_run`` only says what it would have
            done, ``disabled`` leaves every promotion to people.
    """

    gate: Mode = "enabled"
