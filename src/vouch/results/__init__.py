"""What the stages tell each other in JSON: a module a stage, a typed result in each.

A stage reads another's result through its class alone, so that a field that is missing or was
renamed is an error with the file's and the field's name; see :class:`vouch.core.results.Result`.
"""
