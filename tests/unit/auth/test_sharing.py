"""One token for all sites of an issuer, asked for once."""

import threading
from dataclasses import dataclass, field

import pytest

from orchestrator.auth.sharing import SharedTokens
from orchestrator.auth.token import AccessToken
from orchestrator.errors import LoginError
from orchestrator.model import Site
from tests.unit.tokens import jwt


@dataclass
class Source:
    """A source that counts how often it is asked."""

    left: float = 3600.0
    error: LoginError | None = None
    asked: list[int] = field(default_factory=list)
    name: str = "a source"

    def access_token(self):
        self.asked.append(threading.get_ident())
        if self.error:
            raise self.error
        return AccessToken.read(jwt(left=self.left))


def site(name, **given):
    return Site(name=name, endpoint=f"https://{name}.eu/v3", shares=(), origin="x", **given)


def test_many_sites_of_one_issuer_ask_once_even_at_once():
    source = Source()
    tokens = SharedTokens(lambda _: source)
    threads = [
        threading.Thread(target=tokens.token, args=(site(f"s{number}"),)) for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(source.asked) == 1


@pytest.mark.parametrize(
    "other",
    [{"issuer": "https://other.eu"}, {"client_id": "c"}, {"token_command": ("/bin/token",)}],
)
def test_a_site_with_another_source_asks_for_itself(other):
    source = Source()
    tokens = SharedTokens(lambda _: source)
    tokens.token(site("a"))
    tokens.token(site("b", **other))
    assert len(source.asked) == 2


def test_a_token_near_its_end_is_not_shared_on():
    source = Source(left=100)
    tokens = SharedTokens(lambda _: source)
    tokens.token(site("a"))
    tokens.token(site("b"))
    assert len(source.asked) == 2


def test_a_source_that_failed_is_not_waited_for_again():
    source = Source(error=LoginError("the agent is silent"))
    tokens = SharedTokens(lambda _: source)
    for name in ("a", "b"):
        with pytest.raises(LoginError, match="the agent is silent"):
            tokens.token(site(name))
    assert len(source.asked) == 1


def test_a_site_without_any_source_says_so_itself():
    def none(asked):
        raise LoginError(f"no login for {asked.name}")

    tokens = SharedTokens(none)
    for name in ("a", "b"):
        with pytest.raises(LoginError, match=f"no login for {name}"):
            tokens.token(site(name))
