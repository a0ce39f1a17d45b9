"""What pages are made of: figures, formats, cards."""
