"""A name that stands in models registered by earlier releases; nothing else is here."""
