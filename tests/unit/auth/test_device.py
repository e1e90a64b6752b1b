"""Device code: wait as told, and say why it did not work."""

import pytest

from orchestrator.auth.device import Clock, login
from orchestrator.auth.issuer import Issuer, RefusedGrantError
from orchestrator.auth.refreshing import RefreshTokens
from orchestrator.errors import LoginError
from tests.unit.tokens import jwt


class Realm(Issuer):
    """An issuer that answers a poll with what it was told to, one after the other."""

    answers: tuple[str, ...] = ()

    def start_device(self):
        return {
            "device_code": "d",
            "user_code": "ABCD-EFGH",
            "verification_uri": "https://i.eu/device",
            "interval": 5,
            "expires_in": 30,
        }

    def poll_device(self, device_code):
        assert device_code == "d"
        answer, *rest = Realm.answers
        Realm.answers = tuple(rest) or (answer,)
        if answer != "agreed":
            raise RefusedGrantError(code=answer, description="")
        return {"access_token": jwt(), "refresh_token": "r"}


class Hours:
    """A clock that moves only by sleeping."""

    def __init__(self):
        self.slept = []

    def clock(self):
        return Clock(now=lambda: sum(self.slept), sleep=self.slept.append)


def attempt(tmp_path, *answers):
    Realm.answers = answers
    realm = Realm(url="https://i.eu/realms/egi", client_id="c")
    hours, told, tokens = Hours(), [], RefreshTokens(folder=tmp_path)
    token = login(realm, tokens, tell=told.append, clock=hours.clock())
    return token, hours.slept, told[0], tokens.read(realm)


def test_the_person_is_told_and_waited_for(tmp_path):
    token, slept, prompt, kept = attempt(tmp_path, "authorization_pending", "slow_down", "agreed")
    assert (token.subject, kept) == ("abc@egi.eu", "r")
    assert slept == [5, 5, 10]
    assert (prompt.url, prompt.code, prompt.seconds) == ("https://i.eu/device", "ABCD-EFGH", 30)


@pytest.mark.parametrize(
    ("answer", "why"),
    [("access_denied", "access_denied"), ("authorization_pending", "nobody agreed before")],
)
def test_a_refusal_and_a_silence_are_told(tmp_path, answer, why):
    with pytest.raises(LoginError, match=why):
        attempt(tmp_path, answer)
