"""Ways to answer questions about a holdout that is asked again, and what each guarantees.

What an answer gives away adds up: whoever chooses the next question after the last answer can fit
a model to the holdout without ever seeing a row. The functions here are pure; the keeper feeds them
from the ledger. Each is labelled by what is proved of it:

- ``certified``: a stated error holds for any sequence of questions, however each was chosen after
  the answers before it, as far as the rows are drawn independently from one distribution and a
  single comparison's p-value is right.
- ``heuristic``: it works in experiments; nothing is proved for the sizes used here.
- ``none``: exact figures. They are fitted as fast as a training set.

The certificates are of one kind, description length (Dwork et al. 2015, arXiv 1506.02629, section
2): if what was told so far is one of few possible things, a union bound over all of them costs
little. :mod:`.history` counts them, weighted by how expected each was.
"""

from vouch.results.evaluate import Guarantee

__all__ = ["Guarantee"]
