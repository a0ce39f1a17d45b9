"""Registered versions, their files and lineage, and who made which of them champion."""
