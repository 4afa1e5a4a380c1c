"""A Program as statements on buffers: what the `lower_rule` of each primitive is given, and the walk over equations."""
