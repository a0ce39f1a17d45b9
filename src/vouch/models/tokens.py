"""How a text is cut into words, emoji and marks: the same to count, to explain and to show them."""

import re

# a word with its hash or apostrophe; else a run of stops; else one sign, an emoji with its parts
TOKEN = re.compile(
    r"[#@]?\w+(?:['’]\w+)*"
    r"|[.!?…]+"
    r"|[^\w\s][\ufe0f\U0001f3fb-\U0001f3ff]*(?:\u200d[^\w\s][\ufe0f\U0001f3fb-\U0001f3ff]*)*"
)
