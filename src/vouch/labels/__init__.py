"""Labels: who said what of which row and when, and what held at a time."""
