"""Choosing the cases put before people."""
