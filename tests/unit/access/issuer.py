"""An issuer of tokens for tests: real keys, and a real HTTP server on loopback that lists them."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

AUDIENCE = "kairos"
NOW_S = 1_800_000_000


def rsa(key_id: str = "rsa-1", bits: int = 2048) -> RSAKey:
    return RSAKey.generate_key(bits, {"kid": key_id})


def elliptic(key_id: str = "ec-1", curve: str = "P-256") -> ECKey:
    return ECKey.generate_key(curve, {"kid": key_id})  # type: ignore[arg-type]


def edwards(key_id: str = "ed-1") -> OKPKey:
    return OKPKey.generate_key("Ed25519", {"kid": key_id})


class LocalIssuer:
    def __init__(self, *keys: Key) -> None:
        self.keys = list(keys)
        self.asked = 0
        #: What is answered instead of the keys: (status, body).
        self.instead: tuple[int, bytes] | None = None
        self.jwks_uri: str | None = None
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = outer.answer(self.path)
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                if status == 302:
                    self.send_header("location", "http://127.0.0.1:9/elsewhere")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, path: str) -> tuple[int, bytes]:
        if path == "/.well-known/openid-configuration":
            return 200, json.dumps({"issuer": self.url, "jwks_uri": self.jwks_uri or f"{self.url}/keys"}).encode()
        self.asked += 1
        if self.instead is not None:
            return self.instead
        return 200, json.dumps({"keys": [key.as_dict(private=False) for key in self.keys]}).encode()

    def token(self, key: Key, algorithm: str, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token of this issuer; ``claims`` that are None are left out."""
        said = {"iss": self.url, "aud": AUDIENCE, "sub": "till-7", "exp": NOW_S + 600, "scope": "events:write"}
        said = {name: value for name, value in {**said, **claims}.items() if value is not None}
        return jwt.encode({"alg": algorithm, "kid": key.kid, **(header or {})}, said, key, algorithms=[algorithm])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
