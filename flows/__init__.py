"""Flows: only order and parameters."""
