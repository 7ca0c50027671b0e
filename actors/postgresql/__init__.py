"""PostgreSQL as the store: connections that come back, the tables, and the journal of an owner."""
