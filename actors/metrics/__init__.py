"""Families of figures: what each process tells of itself, in one form that can be merged and shown."""
