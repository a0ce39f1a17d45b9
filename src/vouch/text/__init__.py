"""What only texts need: what is left of one, which are alike, what a lexicon says of them."""
