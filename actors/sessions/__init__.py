"""Who has the console open: one-time links and the sessions that they begin, sealed, in two stores under one contract.

``interface`` is what a store does, ``sqlite_sessions`` and ``postgresql_sessions`` do it, ``vault`` draws the tokens
that links and cookies hold and seals what is kept under them.
"""

from actors.sessions.interface import LINK, SESSION, Sessions
from actors.sessions.vault import Vault, is_token

__all__ = ["LINK", "SESSION", "Sessions", "Vault", "is_token"]
