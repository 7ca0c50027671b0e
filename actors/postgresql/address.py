"""Where a PostgreSQL store is: ``postgresql://user@host:port/database?option=value``, with or without a password.

Knows no driver, so that reading settings costs nothing. See libpq's "Connection URIs" for what else may stand there.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from models.errors import BadInput

SCHEMES: Final = ("postgresql", "postgres")
_EXAMPLE: Final = "postgresql://user@host:5432/database"
_PASSWORD: Final = "password"
#: What libpq or the server says of a connection that fails -> what to do.
_REMEDIES: Final = {
    "password authentication failed": "check the user's password in PGPASSWORD or PGPASSFILE",
    "no password supplied": "give the password in PGPASSWORD or PGPASSFILE",
    "no pg_hba.conf entry": "let this host and user in, in the server's pg_hba.conf",
    "does not exist": "create it: CREATE ROLE and CREATE DATABASE ... OWNER, see README",
    "session is read-only": "name the primary; this server is a standby",
    "hot standby": "name the primary; this server is a standby",
    "connection refused": "start the server, or correct host and port",
    "no such file or directory": "start the server, or correct the folder of its socket",
    "could not translate host name": "correct the host",
    "name or service not known": "correct the host",
    "too many clients": "raise max_connections: Kairos takes one for each shard, one for the coordinator and some more",
    "remaining connection slots": "raise max_connections: Kairos takes one for each shard and some more",
    "timeout expired": "see whether a firewall lies between, and whether the server still answers",
}


def check_url(url: str) -> str:
    """The address itself. Raises ``BadInput`` when it is none."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise BadInput(f"{parts.scheme}:// is no PostgreSQL address; write {_EXAMPLE}")
    if not parts.path.strip("/") and "dbname" not in dict(parse_qsl(parts.query)):
        raise BadInput(f"the address of the store names no database; write {_EXAMPLE}")
    if parts.fragment or (not parts.netloc and "host" not in dict(parse_qsl(parts.query))):
        raise BadInput(f"the address of the store names no host; write {_EXAMPLE}")
    return url


def without_password(url: str) -> str:
    """What may be shown, logged and handed to other processes. What is no address stays as it is."""
    flag, sign, address = url.partition("=") if url.startswith("--") else ("", "", url)
    parts = urlsplit(address)
    if parts.scheme not in SCHEMES:
        return url
    user, at, hosts = parts.netloc.rpartition("@")
    asked = [one for one in parts.query.split("&") if one and one.partition("=")[0] != _PASSWORD]
    query = "?" + "&".join(asked) if asked else ""
    return f"{flag}{sign}{parts.scheme}://{user.partition(':')[0]}{at}{hosts}{parts.path}{query}"


def password_in(url: str) -> str | None:
    """None when there is none."""
    parts = urlsplit(url)
    _, colon, password = parts.netloc.rpartition("@")[0].partition(":")
    return unquote(password) if colon else dict(parse_qsl(parts.query)).get(_PASSWORD)


def remedy(said: str) -> str:
    """What to do about a connection that failed, or an empty text."""
    lower = said.lower()
    return next((what for sign, what in _REMEDIES.items() if sign in lower), "")
