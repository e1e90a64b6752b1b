"""Where Terraform and its provider come from, on simulated programs."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile

import pytest
import requests

from orchestrator.drivers import provider, release
from orchestrator.errors import SetupError

TERRAFORM = """#!/bin/sh
case "$1" in
  providers) [ -e "{home}/registry" ] || exit 1
             mkdir -p packed/deep && cp "{home}/registry" packed/deep/p.zip ;;
  init) echo "provider lock" > .terraform.lock.hcl; grep path "$TF_CLI_CONFIG_FILE" >> "{home}/inits" ;;
  *) exit 2 ;;
esac
"""
GO = """#!/bin/sh
echo built >> "{home}/builds"
while [ "$1" != "-o" ]; do shift; done
echo binary > "$2"
"""


@pytest.fixture
def programs(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("terraform", TERRAFORM), ("go", GO)):
        (folder / name).write_text(text.replace("{home}", str(tmp_path)))
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def install(programs, tmp_path):
    def run(**options):
        return provider.install_provider(
            tmp_path / "cache",
            terraform=programs / "terraform",
            env={"PATH": f"{programs}:/usr/bin:/bin"},
            **options,
        )

    return run


def binary(made):
    return next(made.cli_config.parent.rglob("terraform-provider-openstack_v*"))


def test_the_provider_is_built_where_the_registry_does_not_answer(install, tmp_path):
    steps = []
    assert not provider.provider_ready(tmp_path / "cache")
    made = install(on_step=steps.append)
    assert provider.provider_ready(tmp_path / "cache")
    assert binary(made).read_text() == "binary\n"
    assert made.lock_file.read_text() == "provider lock\n"
    assert str(made.cli_config.parent) in made.cli_config.read_text()
    assert any("building" in step for step in steps)


def test_the_provider_is_unpacked_where_the_registry_answers(install, tmp_path):
    with zipfile.ZipFile(tmp_path / "registry", "w") as archive:
        archive.writestr("terraform-provider-openstack_v3.4.0", "fetched")
    assert binary(install()).read_text() == "fetched"
    assert not (tmp_path / "builds").exists()


def test_installing_twice_does_it_once_also_side_by_side(install, tmp_path):
    threads = [threading.Thread(target=install) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    install()
    assert (tmp_path / "builds").read_text() == "built\n"


def test_without_go_the_error_says_what_to_do(install, programs):
    (programs / "go").unlink()
    with pytest.raises(SetupError) as caught:
        install()
    assert "Go 1.24" in caught.value.way_out[0]


def test_a_failed_build_leaves_nothing_that_counts(install, programs, tmp_path):
    (programs / "go").write_text("#!/bin/sh\necho no network >&2\nexit 1\n")
    with pytest.raises(SetupError) as caught:
        install()
    assert caught.value.facts["Go says"] == "no network"
    assert not provider.provider_ready(tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache" / "terraform").iterdir()] == ["install.lock"]


def test_terraform_is_taken_from_the_path_then_from_the_cache(programs, tmp_path):
    cache = tmp_path / "cache"
    on_path = provider.find_terraform(cache, env={"PATH": str(programs)})
    assert on_path == programs / "terraform"
    assert provider.find_terraform(cache, env={"PATH": "/nowhere"}) is None
    own = release.program(cache / "terraform")
    own.parent.mkdir(parents=True)
    own.touch()
    assert provider.find_terraform(cache, env={"PATH": "/nowhere"}) == own


@pytest.fixture
def archive():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr("terraform", "program")
    return buffer.getvalue()


def test_a_fetched_release_is_checked_and_unpacked(tmp_path, monkeypatch, archive):
    monkeypatch.setattr(release, "_download", lambda _url, env: archive)
    monkeypatch.setitem(
        release._SHA256, release.architecture(), hashlib.sha256(archive).hexdigest()
    )
    made = provider.install_terraform(tmp_path, env={"PATH": "/nowhere"})
    assert made.read_text() == "program"


def test_another_archive_is_refused(tmp_path, monkeypatch, archive):
    monkeypatch.setattr(release, "_download", lambda _url, env: archive)
    with pytest.raises(SetupError) as caught:
        provider.install_terraform(tmp_path, env={"PATH": "/nowhere"})
    assert "SHA-256" in caught.value.facts["because"]
    assert not release.program(tmp_path / "terraform").exists()


def test_without_a_network_the_error_says_what_to_install(tmp_path, monkeypatch):
    def refuse(*_args, **_options):
        raise requests.ConnectionError

    monkeypatch.setattr(requests.Session, "get", refuse)
    with pytest.raises(SetupError) as caught:
        provider.install_terraform(tmp_path, env={"PATH": "/nowhere"})
    assert "1.11.4" in caught.value.way_out[0]
