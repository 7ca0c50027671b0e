"""Off-policy evaluation: what a policy would have earned, from a log that another policy wrote.

Throughout: n positions (rows of the log) in G rounds; a position shows one action, drawn with a known probability. The
value of a policy is its mean reward per position. A policy's weight at a position is its probability of what was shown
there, over the logged one; ``Log.above`` multiplies it where the items above are drawn too.
"""
