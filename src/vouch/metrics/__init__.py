"""Figures of models, with their uncertainty."""
