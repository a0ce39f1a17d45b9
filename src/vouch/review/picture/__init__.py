"""Pictures of a case, drawn on the server: SVG and marked text, without script or inline style.

The same input gives the same bytes. Colours are the style sheet's, ``picture.css``; without it, and
without colours, the pictures can be read all the same.
"""

from vouch.review.picture.bars import bars
from vouch.review.picture.flow import money_flow
from vouch.review.picture.mark import marked
from vouch.review.picture.timeline import timeline

__all__ = ["bars", "marked", "money_flow", "timeline"]
