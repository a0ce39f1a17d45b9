"""How stages become a project on disk: inputs, the table of stages, parameters, DVC, faults."""
