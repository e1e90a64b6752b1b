"""orchestrator recover"""

from __future__ import annotations

import json
import shutil


def state_of(world):
    (folder,) = (world.folders.data / "deployments").iterdir()
    return folder / "terraform.tfstate"


def test_what_is_known_is_not_touched(command, sky, world):
    before = dict(world.resources)
    ended = command("recover", sky)
    assert ended.code == 0
    assert "the state knows all that there is" in ended.out
    assert world.resources == before


def test_a_lost_state_is_made_again_from_the_sites_listing(command, sky, world):
    before = dict(world.resources)
    state_of(world).write_text("")
    ended = command("recover", sky)
    assert ended.code == 0
    assert "the state is empty" in ended.out
    assert "taken back   server sky-toy" in ended.out
    assert world.resources == before
    assert command("plan", "toy", "--site", "SIM", "--name", sky).code == 0


def test_what_a_deploy_would_still_make_is_exit_code_2(command, sky, world):
    state_of(world).write_text("")
    del world.resources["floating_ip", "sky-toy"]
    ended = command("recover", sky)
    assert ended.code == 2
    assert "to do        1 to create" in ended.out


def test_a_program_reads_what_was_taken_back(command, sky, world):
    state_of(world).unlink()
    found = command("recover", sky, "--json").values[-1]
    assert sorted(found["taken_back"]) == [
        "floating IP sky-toy",
        "key pair sky-toy",
        "server sky-toy",
    ]
    assert json.dumps(found["rest"]["counts"]) == "{}"


def test_a_site_that_has_nothing_of_it_says_so(command, sky, world):
    world.resources.clear()
    ended = command("recover", sky)
    assert ended.code == 6
    assert "has nothing that carries the mark of sky" in ended.err


def test_another_machine_with_the_record_alone_takes_it_over(command, sky, world):
    """The work folder is gone, and with it the key: the site's public key keeps the pair as it is."""
    folder = state_of(world).parent
    public = (folder / "ssh" / "id_ed25519.pub").read_text()
    world.public_key = public
    for file in sorted(folder.rglob("*"), reverse=True):
        file.rmdir() if file.is_dir() else file.unlink()
    assert command("recover", sky).code == 0
    assert (folder / "ssh" / "id_ed25519.pub").read_text() == public
    refused = command("deploy", "toy", "--site", "SIM", "--name", sky, "--configure")
    assert refused.code == 6
    assert "the key of sky is not on this machine" in refused.err
    assert command("destroy", sky).code == 0
    assert world.resources == {}


def test_another_computer_that_has_only_the_shared_store_takes_it_over(
    command, world, monkeypatch, tmp_path_factory
):
    shared = tmp_path_factory.mktemp("database") / "shared.sqlite"
    monkeypatch.setenv("ORCHESTRATOR_STORE", f"sqlite:///{shared}")
    assert command("deploy", "toy", "--site", "SIM", "--name", "sky").code == 0
    folder = state_of(world).parent
    world.public_key = (folder / "ssh" / "id_ed25519.pub").read_text()
    before = dict(world.resources)
    shutil.rmtree(world.folders.data)
    assert command("recover", "sky").code == 0
    assert world.resources == before
    # The console still shows the host key, so a copied private key is all that is lacking.
    assert (folder / "ssh" / "known_hosts").read_text().startswith("198.51.100.17 ssh-ed25519")
    refused = command("ssh", "sky")
    assert "the key of sky is not on this machine" in refused.err
    assert command("destroy", "sky").code == 0
    assert world.resources == {}


def test_it_goes_by_the_use_case_that_was_kept_with_it(command, sky, world):
    for file in world.use_case_folder.iterdir():
        file.unlink()
    state_of(world).write_text("")
    assert command("recover", sky).code == 0
