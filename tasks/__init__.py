"""A module a stage: retries, artifacts and progress, which are Prefect's part."""
