"""Who may call: keys as hashes, their scopes, expiry, rate and tenant, in two stores under one contract.

``record`` is one key, ``changes`` what may become of a list of them (pure), ``interface`` what a store does,
``file_access`` and ``postgresql_access`` do it, ``admin`` writes the first key, ``oidc`` reads tokens of an issuer,
``denials`` keeps who was refused.
"""

from actors.access.admin import ADMIN_KEY_FILE, ADMIN_NAME, ensure_admin_key, read_admin_key
from actors.access.changes import create, revoke, rotate
from actors.access.file_access import KEYS_FILE, FileAccess
from actors.access.interface import AccessStore
from actors.access.record import EVERYTHING, SCOPES, KeyRecord, check_scopes, check_tenant
from actors.access.ring import KeyRing, load

__all__ = [
    "ADMIN_KEY_FILE", "ADMIN_NAME", "EVERYTHING", "KEYS_FILE", "SCOPES", "AccessStore", "FileAccess", "KeyRecord",
    "KeyRing", "check_scopes", "check_tenant", "create", "ensure_admin_key", "load", "read_admin_key", "revoke",
    "rotate",
]
