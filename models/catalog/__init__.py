"""What the business writes: schema, rules, checks, and the compiled plan that decisions read."""
