"""Stages as a project on disk: inputs, the table of stages, parameters, DVC, errors."""
