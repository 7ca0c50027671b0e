"""Tokens of an OpenID Connect issuer: which count, for whom, and what is done while the issuer is away."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import Key, OctKey
from unit.access.issuer import AUDIENCE, NOW_S, LocalIssuer, edwards, elliptic, rsa

from actors.access import FileAccess, KeyRecord, create
from actors.access.interface import KeysWanted
from actors.access.oidc.issuer import OidcIssuer
from actors.access.oidc.settings import OidcSettings
from actors.gateway.authorise import Authoriser
from actors.gateway.denied import ANY
from actors.gateway.problems import Refused
from models import limits
from models.errors import BadInput

RSA, EC, ED = rsa(), elliptic(), edwards()


@pytest.fixture
def local() -> Iterator[LocalIssuer]:
    issuer = LocalIssuer(RSA, EC, ED)
    yield issuer
    issuer.close()


class Door:
    """A gateway's authoriser that knows the issuer, and clocks that stand still."""

    def __init__(self, local: LocalIssuer, data_dir: Path, **more: Any) -> None:
        self.wall_s = float(NOW_S)
        self.now_s = 1_000.0
        self.settings = replace(OidcSettings(local.url, AUDIENCE), **more)
        self.authoriser = Authoriser(
            FileAccess(data_dir), wall_s=lambda: self.wall_s, now_s=lambda: self.now_s,
            issuer=OidcIssuer(self.settings),
        )

    def ask(self, token: str, scope: str = "events:write") -> KeyRecord | tuple[int, str]:
        """Who calls, or the status and the reason of the refusal."""

        async def run() -> KeyRecord:
            header = b"Bearer " + token.encode()
            try:
                return self.authoriser.admit(header, scope)
            except KeysWanted:
                return await self.authoriser.admit_later(header, scope)
            finally:
                if others := asyncio.all_tasks() - {asyncio.current_task()}:
                    await asyncio.wait(others)

        try:
            return asyncio.run(run())
        except Refused as refused:
            return refused.status, refused.detail


@pytest.fixture
def door(local: LocalIssuer, tmp_path: Path) -> Door:
    return Door(local, tmp_path)


def status(answer: KeyRecord | tuple[int, str]) -> int:
    assert isinstance(answer, tuple), answer
    return answer[0]


def admitted(answer: KeyRecord | tuple[int, str]) -> KeyRecord:
    assert isinstance(answer, KeyRecord), answer
    return answer


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256"), (ED, "EdDSA")])
def test_a_token_of_each_allowed_kind_is_admitted(local: LocalIssuer, door: Door, key: Key, algorithm: str) -> None:
    record = admitted(door.ask(local.token(key, algorithm)))
    assert (record.scopes, record.tenant, record.is_issued) == (("events:write",), "main", True)
    assert record.expires_ms == (NOW_S + 600) * 1_000 + limits.OIDC_LEEWAY_MS
    assert "till-7" not in record.name


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims(local: LocalIssuer) -> dict[str, Any]:
    return {"iss": local.url, "aud": AUDIENCE, "sub": "s", "exp": NOW_S + 600, "scope": "*"}


def test_no_signature_is_no_token(local: LocalIssuer, door: Door) -> None:
    for algorithm in ("none", "None", "NONE", ""):
        assert status(door.ask(f"{part({'alg': algorithm})}.{part(claims(local))}.")) == 401


def test_the_issuers_public_key_is_no_shared_secret(local: LocalIssuer, door: Door) -> None:
    head = f"{part({'alg': 'HS256', 'kid': RSA.kid})}.{part(claims(local))}"
    for secret in (RSA.as_pem(private=False), json.dumps(RSA.as_dict(private=False)).encode()):
        mac = base64.urlsafe_b64encode(hmac.digest(secret, head.encode(), "sha256")).rstrip(b"=").decode()
        assert status(door.ask(f"{head}.{mac}")) == 401


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS512"])
def test_no_setting_allows_an_unsigned_token_or_a_shared_secret(local: LocalIssuer, algorithm: str) -> None:
    with pytest.raises(BadInput, match="oidc_algorithms"):
        OidcSettings(local.url, AUDIENCE, algorithms=("RS256", algorithm))


def test_an_algorithm_that_is_not_allowed_is_refused_though_the_signature_fits(local: LocalIssuer, door: Door) -> None:
    assert status(door.ask(local.token(RSA, "PS256"))) == 401
    assert status(door.ask(local.token(RSA, "RS512"))) == 401


def test_a_key_of_another_type_than_the_algorithm_wants_is_refused(local: LocalIssuer, door: Door) -> None:
    token = local.token(EC, "ES256").split(".")
    for algorithm in ("RS256", "EdDSA"):
        head = part({"alg": algorithm, "kid": EC.kid})
        assert status(door.ask(".".join([head, *token[1:]]))) == 401


def test_keys_that_may_not_verify_are_not_taken(tmp_path: Path) -> None:
    small, secret, other = rsa("small", 1024), OctKey.generate_key(256, {"kid": "secret"}), elliptic("enc")
    local = LocalIssuer(RSA, small)
    try:
        listed = [RSA.as_dict(private=False), small.as_dict(private=False), secret.as_dict(private=True)]
        local.instead = 200, json.dumps({"keys": [*listed, {**other.as_dict(private=False), "use": "enc"}, 7]}).encode()
        door = Door(local, tmp_path)
        assert admitted(door.ask(local.token(RSA, "RS256")))
        for token in (local.token(small, "RS256"), local.token(other, "ES256")):
            assert status(door.ask(token)) == 401
    finally:
        local.close()


@pytest.mark.parametrize("wrong", [
    {"iss": "https://else.example"}, {"iss": None}, {"aud": "other"}, {"aud": None}, {"aud": ["a", "b"]}, {"sub": None},
    {"exp": None}, {"exp": NOW_S - 31}, {"exp": "tomorrow"}, {"exp": [1]}, {"nbf": NOW_S + 31}, {"nbf": "now"},
    {"iss": ["x"]}, {"sub": 7}, {"exp": True}, {"iat": NOW_S + 3_600}, {"aud": {"kairos": 1}},
])
def test_a_token_that_claims_the_wrong_thing_is_refused(local: LocalIssuer, door: Door, wrong: dict[str, Any]) -> None:
    assert status(door.ask(local.token(RSA, "RS256", **wrong))) == 401


@pytest.mark.parametrize("right", [
    {"aud": ["other", AUDIENCE]}, {"exp": NOW_S - 29}, {"nbf": NOW_S + 29}, {"exp": 1e300}, {"iat": NOW_S},
])
def test_small_differences_of_clocks_and_other_readers_are_no_fault(
    local: LocalIssuer, door: Door, right: dict[str, Any],
) -> None:
    assert admitted(door.ask(local.token(RSA, "RS256", **right)))


def test_a_token_ends_though_it_was_verified_before(local: LocalIssuer, door: Door) -> None:
    token = local.token(RSA, "RS256")
    record = admitted(door.ask(token))
    door.wall_s += 629
    assert admitted(door.ask(token))
    assert door.authoriser.still_live(record)
    door.wall_s += 1
    assert door.ask(token) == (401, "the token has expired")
    assert not door.authoriser.still_live(record)


def test_scopes_that_kairos_does_not_know_are_passed_over(local: LocalIssuer, door: Door) -> None:
    record = admitted(door.ask(local.token(RSA, "RS256", scope="openid events:write e-mail decide:web decide:")))
    assert record.scopes == ("events:write", "decide:web")
    listed = local.token(RSA, "RS256", scope=["outcomes:write", 7])
    assert admitted(door.ask(listed, "outcomes:write")).scopes == ("outcomes:write",)


@pytest.mark.parametrize("scope", ["openid profile", "", None, 7, {}])
def test_without_a_scope_that_counts_every_call_is_403(local: LocalIssuer, door: Door, scope: Any) -> None:
    token = local.token(RSA, "RS256", scope=scope)
    assert [status(door.ask(token, wanted)) for wanted in ("events:write", ANY)] == [403, 403]


def test_the_tenant_comes_from_its_claim_and_must_be_there(local: LocalIssuer, tmp_path: Path) -> None:
    door = Door(local, tmp_path, tenant_claim="org", scope_claim="roles")
    token = local.token(RSA, "RS256", org="acme", roles=["events:write"])
    assert admitted(door.ask(token)).tenant == "acme"
    for org in (None, "", "A/B", 7, ["acme"]):
        assert status(door.ask(local.token(RSA, "RS256", org=org, roles=["events:write"]))) == 401


def test_the_rate_of_an_issuer_is_each_subjects_own(local: LocalIssuer, tmp_path: Path) -> None:
    door = Door(local, tmp_path, rate=1.0)
    mine, other = local.token(RSA, "RS256"), local.token(RSA, "RS256", sub="till-8")
    assert admitted(door.ask(mine))
    assert status(door.ask(local.token(RSA, "RS256", exp=NOW_S + 500))) == 429
    assert admitted(door.ask(other))


def test_a_huge_token_is_refused_before_it_is_read(local: LocalIssuer, door: Door) -> None:
    token = local.token(RSA, "RS256", more="x" * limits.OIDC_TOKEN_BYTES_MAX)
    assert door.ask(token) == (401, f"the token is longer than {limits.OIDC_TOKEN_BYTES_MAX} bytes")
    assert local.asked == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(garbage=st.one_of(
    st.text(st.characters(codec="ascii"), max_size=200).map(lambda text: f"{text}.{text}.x"),
    st.recursive(st.text(max_size=5) | st.integers() | st.none(), lambda inner: st.lists(inner, max_size=3) |
                 st.dictionaries(st.sampled_from(["alg", "kid", "crit", "b64", "typ"]), inner), max_leaves=6)
    .map(lambda value: f"{part(value)}.{part({})}.AAAA"),
))
def test_garbage_is_401(door: Door, garbage: str) -> None:
    assert status(door.ask(garbage)) == 401


def test_a_deeply_nested_head_is_401(door: Door) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 3_000 + b"]" * 3_000).rstrip(b"=").decode()
    assert status(door.ask(f"{deep}.{deep}.AAAA")) == 401


def test_a_changed_token_is_refused(local: LocalIssuer, door: Door) -> None:
    head, body, mark = local.token(RSA, "RS256").split(".")
    forged = json.loads(base64.urlsafe_b64decode(body + "=="))
    assert status(door.ask(f"{head}.{part({**forged, 'scope': '*'})}.{mark}")) == 401
    assert status(door.ask(f"{head}.{body}.{mark[:-8]}AAAAAAAA")) == 401


def test_a_key_that_the_issuer_begins_to_use_is_fetched_at_the_first_token(local: LocalIssuer, door: Door) -> None:
    assert admitted(door.ask(local.token(RSA, "RS256")))
    newer = rsa("rsa-2")
    local.keys = [newer]
    door.now_s += limits.OIDC_KEYS_RETRY_MS / 1_000
    assert admitted(door.ask(local.token(newer, "RS256")))
    assert status(door.ask(local.token(RSA, "RS256"))) == 401


def test_unknown_keys_do_not_make_the_gateway_ask_the_issuer_each_time(local: LocalIssuer, door: Door) -> None:
    for number in range(20):
        assert status(door.ask(local.token(RSA, "RS256", {"kid": f"unknown-{number}"}))) == 401
    assert local.asked == 1
    door.now_s += limits.OIDC_KEYS_RETRY_MS / 1_000
    assert status(door.ask(local.token(RSA, "RS256", {"kid": "y"}))) == 401
    assert local.asked == 2


def test_while_the_issuer_is_away_its_keys_count_for_a_time_and_then_nobody_is_let_in(
    local: LocalIssuer, door: Door,
) -> None:
    assert admitted(door.ask(local.token(RSA, "RS256")))
    local.instead = 503, b"later"
    door.now_s += limits.OIDC_KEYS_STALE_MS_MAX / 1_000
    assert admitted(door.ask(local.token(RSA, "RS256", sub="another")))
    door.now_s += 1.0
    answers = [door.ask(local.token(RSA, "RS256", sub=sub)) for sub in ("another", "a third")]
    assert [status(answer) for answer in answers] == [503, 503]
    local.instead = None
    door.now_s += limits.OIDC_KEYS_RETRY_MS / 1_000
    assert admitted(door.ask(local.token(RSA, "RS256")))


@pytest.mark.parametrize("instead", [
    (200, b"not json"), (200, b"[]"), (200, b'{"keys": 7}'), (200, b'{"keys": []}'), (404, b""), (302, b""),
    (200, b'{"keys": [' + b"{}," * 100 + b"{}]}"), (200, b" " * (limits.OIDC_ANSWER_BYTES_MAX + 1)),
    (200, b"[" * 100_000),
], ids=["text", "list", "number", "none", "404", "moved", "many", "large", "deep"])
def test_an_issuer_that_answers_nonsense_lets_nobody_in(
    local: LocalIssuer, door: Door, instead: tuple[int, bytes],
) -> None:
    local.instead = instead
    assert status(door.ask(local.token(RSA, "RS256"))) == 503


@pytest.mark.parametrize("url", ["http://issuer.example", "ftp://127.0.0.1", "https://", "http://u:p@localhost", ""])
def test_an_issuer_is_asked_by_https_only(url: str) -> None:
    with pytest.raises(BadInput, match="https"):
        OidcSettings(url, AUDIENCE)
    with pytest.raises(BadInput, match="https"):
        OidcSettings("https://issuer.example", AUDIENCE, jwks_url=url or "x")


def test_discovery_never_leads_to_an_open_line(local: LocalIssuer, door: Door) -> None:
    local.jwks_uri = "http://keys.example/keys"
    assert status(door.ask(local.token(RSA, "RS256"))) == 503


def test_the_keys_of_the_installation_count_beside_the_issuers_tokens(door: Door, tmp_path: Path) -> None:
    text = create(FileAccess(tmp_path), "till", ["events:write"], now_ms=0)
    door.now_s += 1.0
    assert admitted(door.ask(text)).name == "till"
