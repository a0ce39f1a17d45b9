"""Labels: who labelled which row and when, and which label is valid at a time."""
