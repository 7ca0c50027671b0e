"""The tables of an embedded journal and of its key store."""

from typing import Final

#: ``PRAGMA user_version`` of both files; another number is refused.
VERSION: Final = 7

JOURNAL: Final = """
CREATE TABLE owner (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL, last_seq INTEGER NOT NULL,
                    owner TEXT NOT NULL, incarnation INTEGER NOT NULL);
INSERT INTO owner VALUES (1, 0, 0, '', 0);
CREATE TABLE log (seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, batch_id BLOB NOT NULL, at_ms INTEGER NOT NULL,
                  checksum BLOB NOT NULL, payload BLOB NOT NULL);
CREATE TABLE profile (customer BLOB PRIMARY KEY, seq INTEGER NOT NULL, generation INTEGER NOT NULL,
                      due_ms INTEGER NOT NULL, checksum BLOB NOT NULL, sealed BLOB NOT NULL);
CREATE INDEX profile_due ON profile (due_ms, customer) WHERE due_ms > 0;
CREATE TABLE idem (period INTEGER NOT NULL, customer BLOB NOT NULL, key BLOB NOT NULL, seq INTEGER NOT NULL,
                   at_ms INTEGER NOT NULL, fingerprint BLOB NOT NULL, hint BLOB NOT NULL,
                   PRIMARY KEY (period, customer, key)) WITHOUT ROWID;
CREATE TABLE touched (customer BLOB NOT NULL, newest INTEGER NOT NULL, seqs BLOB NOT NULL,
                      PRIMARY KEY (customer, newest)) WITHOUT ROWID;
CREATE TABLE checkpoint (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, checksum BLOB NOT NULL, state BLOB NOT NULL);
CREATE TABLE base (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, at_ms INTEGER NOT NULL,
                   checksum BLOB NOT NULL, state BLOB NOT NULL);
CREATE TABLE base_profile (customer BLOB PRIMARY KEY, seq INTEGER NOT NULL, generation INTEGER NOT NULL,
                           due_ms INTEGER NOT NULL, checksum BLOB NOT NULL, sealed BLOB NOT NULL);
"""

KEYS: Final = """
CREATE TABLE key (customer BLOB NOT NULL, generation INTEGER NOT NULL, month INTEGER NOT NULL, wrapped BLOB NOT NULL,
                  PRIMARY KEY (customer, generation)) WITHOUT ROWID;
CREATE TABLE wrapping_key (month INTEGER PRIMARY KEY, wrapped BLOB NOT NULL);
CREATE TABLE destroyed (customer BLOB PRIMARY KEY, generation INTEGER NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;
"""
