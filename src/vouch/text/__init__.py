"""What only texts need: cleaning, likeness, a lexicon's word, features, models and their search."""
