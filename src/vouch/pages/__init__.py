"""What pages are made of: figures, formats, cards, and the frame and style of every page."""

from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
