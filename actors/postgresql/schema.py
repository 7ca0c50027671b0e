"""Every table of a PostgreSQL store, and how they come to be.

Rows of a journal are keyed by its owner's number (see ``owners``). What is sealed does not compress, so it is stored as
it is; a turn of a few thousand bytes stays in its page.
"""

from __future__ import annotations

from typing import Final

from actors.postgresql.connection import SCHEMA, Connection, translated
from models.errors import JournalFailed

#: Stored in ``layout``; another number is refused.
VERSION: Final = 3
#: Of the advisory lock under which the tables are made.
_LOCK: Final = 0x6B6169726F73

JOURNAL: Final = """
CREATE TABLE shard_owner (owner smallint PRIMARY KEY, name text NOT NULL, epoch bigint NOT NULL,
                          last_seq bigint NOT NULL, incarnation bigint NOT NULL, session bigint NOT NULL,
                          holder text NOT NULL) WITH (fillfactor = 50);
CREATE TABLE shard_log (owner smallint NOT NULL, seq bigint NOT NULL, epoch bigint NOT NULL, at_ms bigint NOT NULL,
                        batch_id bytea NOT NULL, checksum bytea NOT NULL, payload bytea NOT NULL,
                        PRIMARY KEY (owner, seq)) WITH (toast_tuple_target = 4080);
CREATE TABLE profile (owner smallint NOT NULL, seq bigint NOT NULL, generation bigint NOT NULL, due_ms bigint NOT NULL,
                      customer bytea NOT NULL, checksum bytea NOT NULL, sealed bytea NOT NULL,
                      PRIMARY KEY (owner, customer)) WITH (fillfactor = 80, toast_tuple_target = 4080);
CREATE INDEX profile_due ON profile (owner, due_ms, customer) WHERE due_ms > 0;
CREATE TABLE idem (owner smallint NOT NULL, period bigint NOT NULL, seq bigint NOT NULL, at_ms bigint NOT NULL,
                   customer bytea NOT NULL, key bytea NOT NULL, fingerprint bytea NOT NULL, hint bytea NOT NULL,
                   PRIMARY KEY (owner, period, customer, key));
CREATE TABLE touched (owner smallint NOT NULL, newest bigint NOT NULL, customer bytea NOT NULL, seqs bytea NOT NULL,
                      PRIMARY KEY (owner, customer, newest));
CREATE TABLE checkpoint (owner smallint NOT NULL, seq bigint NOT NULL, at_ms bigint NOT NULL, checksum bytea NOT NULL,
                         state bytea NOT NULL, PRIMARY KEY (owner, seq));
CREATE TABLE base (owner smallint PRIMARY KEY, seq bigint NOT NULL, at_ms bigint NOT NULL, checksum bytea NOT NULL,
                   state bytea NOT NULL);
CREATE TABLE base_profile (owner smallint NOT NULL, seq bigint NOT NULL, generation bigint NOT NULL,
                           due_ms bigint NOT NULL, customer bytea NOT NULL, checksum bytea NOT NULL,
                           sealed bytea NOT NULL, PRIMARY KEY (owner, customer));
ALTER TABLE shard_log ALTER COLUMN payload SET STORAGE EXTERNAL;
ALTER TABLE profile ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE base_profile ALTER COLUMN sealed SET STORAGE EXTERNAL;
"""

#: API keys as hashes, and who was refused (see ``actors.access``).
ACCESS: Final = """
CREATE TABLE access_change (only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one), version bigint NOT NULL);
INSERT INTO access_change (version) VALUES (0);
CREATE TABLE access_key (digest text PRIMARY KEY, place bigint NOT NULL, record text NOT NULL);
CREATE TABLE denial (chain text NOT NULL, seq bigint NOT NULL, hash text NOT NULL, body text NOT NULL,
                     PRIMARY KEY (chain, seq));
CREATE TABLE denial_head (chain text PRIMARY KEY, seq bigint NOT NULL, hash text NOT NULL);
"""

#: The customers' keys (see ``actors.stores.wrapping``): a row deleted is a customer erased.
KEYS: Final = """
CREATE TABLE customer_key (owner smallint NOT NULL, generation bigint NOT NULL, month bigint NOT NULL,
                           customer bytea NOT NULL, wrapped bytea NOT NULL, PRIMARY KEY (owner, customer, generation));
CREATE TABLE destroyed_key (owner smallint NOT NULL, generation bigint NOT NULL, at_ms bigint NOT NULL,
                            customer bytea NOT NULL, PRIMARY KEY (owner, customer));
CREATE TABLE wrapping_key (owner smallint NOT NULL, month bigint NOT NULL, wrapped bytea NOT NULL,
                           PRIMARY KEY (owner, month));
"""

#: What is chosen once, the secret (wrapped), and the registered scorers.
INSTALLATION: Final = """
CREATE TABLE installation (id smallint PRIMARY KEY CHECK (id = 1), name text NOT NULL, format bigint NOT NULL,
                           slots bigint NOT NULL, shards bigint NOT NULL, secret bytea NOT NULL);
CREATE TABLE scorer (version text PRIMARY KEY, sha256 text NOT NULL, manifest bytea NOT NULL, model bytea NOT NULL);
"""

#: Who has the console open (see ``actors.sessions``): of this installation in this place, it is never copied elsewhere.
CONSOLE: Final = """
CREATE TABLE console_session (digest bytea PRIMARY KEY, kind text NOT NULL, holder bytea NOT NULL,
                              expires_ms bigint NOT NULL, sealed bytea NOT NULL);
CREATE INDEX console_session_of ON console_session (holder, kind, expires_ms);
CREATE INDEX console_session_end ON console_session (expires_ms);
"""

#: In the order in which they are made.
TABLES: Final = (JOURNAL, KEYS, INSTALLATION, ACCESS, CONSOLE)


def ensure_schema(connection: Connection, where: str) -> None:
    """Make the tables unless they are there; whoever comes at the same time waits. Raises ``JournalFailed`` for tables
    of another release."""
    with translated(where):
        version = _version(connection)
        if version is None:
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
                version = _version(connection)
                if version is None:
                    _make(connection)
                    version = VERSION
    if version != VERSION:
        raise JournalFailed(f"{where} has layout {version}, this release reads {VERSION}")


def _version(connection: Connection) -> int | None:
    # Read from the catalog as from any table: what names resolve to is remembered from before the lock was waited for.
    (there,) = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_tables WHERE schemaname = %s AND tablename = 'layout')", (SCHEMA,)
    ).fetchone() or (False,)
    if not there:
        return None
    row = connection.execute("SELECT version FROM layout").fetchone()
    return None if row is None else int(row[0])


def _make(connection: Connection) -> None:
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    connection.execute("CREATE TABLE layout (version bigint NOT NULL)")
    for script in TABLES:
        connection.execute(script)
    connection.execute("INSERT INTO layout (version) VALUES (%s)", (VERSION,))
