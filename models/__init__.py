"""The pure decision core: state machines in, facts and replies out. No Ray, no I/O, no clock, no global random."""
