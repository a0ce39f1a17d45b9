"""A pipeline that vouches for its models."""
