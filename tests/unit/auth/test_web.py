"""The site's own CA and our own headers, whatever the environment says."""

from pathlib import Path

import pytest
import requests

from orchestrator.auth import web


def verified_by(session):
    return session.merge_environment_settings("https://s.eu", {}, None, None, None)["verify"]


def test_the_sites_ca_beats_the_environments(monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/env.pem")
    assert verified_by(web.session(Path("/site.pem"))) == "/site.pem"
    assert verified_by(web.session(None)) == "/env.pem"


def test_a_proxy_of_the_environment_is_used_and_looked_up_once_for_a_host(monkeypatch):
    session = web.session(None)

    def proxies(url):
        return session.merge_environment_settings(url, {}, None, None, None)["proxies"]

    monkeypatch.setenv("https_proxy", "http://proxy.eu:3128")
    monkeypatch.setenv("no_proxy", "near.eu")
    assert proxies("https://far.eu/a")["https"] == "http://proxy.eu:3128"
    assert "https" not in proxies("https://near.eu/a")
    monkeypatch.delenv("https_proxy")
    assert proxies("https://far.eu/b")["https"] == "http://proxy.eu:3128"
    assert "https" not in proxies("https://other.eu/a")


def test_a_password_of_netrc_does_not_replace_our_token(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine s.eu login ada password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    request = requests.Request("GET", "https://s.eu", headers={"Authorization": "Bearer t"})
    assert web.session(None).prepare_request(request).headers["Authorization"] == "Bearer t"


@pytest.mark.parametrize(
    ("text", "untrusted"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] unable to get local issuer certificate", True),
        ("hostname 'a' doesn't match 'b'", True),
        ("[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol", False),
    ],
)
def test_an_untrusted_certificate_is_not_a_broken_connection(text, untrusted):
    assert web.is_untrusted(Exception(text)) is untrusted


def test_what_is_no_json_object_is_an_empty_one():
    answer = requests.Response()
    for content in (b"<html>", b"[]", b""):
        answer._content = content
        assert web.json_object(answer) == {}
