"""What the attributes of a `Config` may be, one by one and together."""
