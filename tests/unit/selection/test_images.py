"""The image: what its properties say, from the best line, the newest of it."""

import time
from datetime import timedelta

import pytest

from orchestrator.errors import AmbiguousChoiceError, RequestError, SiteError
from orchestrator.model import ImageNeed
from orchestrator.selection.images import choose_image
from orchestrator.selection.overrides import Override
from orchestrator.selection.systems import admin_user, lineage_of, system_of
from tests.unit.selection import offers
from tests.unit.selection.offers import DAY, DEBIAN, UBUNTU, egi_image, image, offer, site

NAMES = offers.read("images.yaml")
OLDER = DAY - timedelta(days=30)


def choose(*images, need=DEBIAN, override=None):
    beaten = (("sites/S.yaml", "b"),)
    asked = override and Override(value=override, origin="the command line", beaten=beaten)
    return choose_image(offer(images=images), need, site=site(), override=asked).choice


def declared(name, version="12", distribution="debian", **given):
    properties = {"os_distro": distribution, "os_version": version, **given.pop("properties", {})}
    return image(name, properties=properties, **given)


EGI = tuple(
    egi_image(one["repository"].split()[0], one["tag"], one["os_distro"], id=str(place))
    for place, one in enumerate(NAMES["egi_vm_images"]["images"])
)


@pytest.mark.parametrize(
    ("name", "version"),
    [("ubuntu", "22.04"), ("ubuntu", "24.04"), ("alma", "9"), ("almalinux", "9")],
)
def test_egis_plain_image_is_taken_before_its_appliances(name, version):
    choice = choose(*EGI, need=ImageNeed(distribution=name, version=version))
    repository = {"almalinux": "alma"}.get(name, name)
    assert choice.name == f"registry.egi.eu egi_vm_images/{repository}:{version}"
    assert choice.reason == "the only one in egi_vm_images"


def test_egis_image_beats_the_sites_own_and_the_newest_copy_wins():
    choice = choose(
        declared("Ubuntu mine", "22.04", "ubuntu", created_at=DAY + timedelta(days=9)),
        egi_image("ubuntu", "22.04", "ubuntu", id="old", created_at=OLDER),
        egi_image("ubuntu", "22.04", "ubuntu", id="new"),
        need=UBUNTU,
    )
    assert (choice.value, choice.reason) == ("new", "newest of 2 in egi_vm_images")
    assert choice.label == "ubuntu 22.04, 2026-11-20"
    assert [rival.why_not for rival in choice.rivals] == ["older", "not of EGI's list"]


@pytest.mark.parametrize("site_name", NAMES["site_owned_names"])
def test_every_real_site_gives_an_explained_choice_or_a_refusal(site_name):
    listed = [image(name) for name in NAMES["site_owned_names"][site_name]]
    for need in (UBUNTU, DEBIAN, ImageNeed(distribution="rocky", version="8")):
        found = offers.outcome(lambda need=need: choose(*listed, need=need))
        assert getattr(found, "reason", None) or found.facts["there are"]


@pytest.mark.parametrize(
    ("name", "system"),
    [
        ("ubuntu-22.04-amd64-raw", ("ubuntu", "22.04")),
        ("centos7-x86_64-raw", ("centos", "7")),
        ("ubuntu-jammy-x86_64", ("ubuntu", "22.04")),
        ("Ubuntu-20.04-20211006", ("ubuntu", "20.04")),
        ("baseos-Rocky-8.5-v2", ("rocky", "8.5")),
        ("Rocky-9.1", ("rocky", "9.1")),
        ("debian-11-x86_64", ("debian", "11")),
        ("Image for EGI CentOS 7 [CentOS/7/VirtualBox]", ("centos", "7")),
        ("Image for EGI Docker [Ubuntu/18.04/VirtualBox]", ("ubuntu", "18.04")),
        ("registry.egi.eu egi_vm_images/alma:9", ("alma", "9")),
        ("AlmaLinux 9", ("alma", "9")),
        ("Debian GNU bookworm", ("debian", "12")),
        ("Ubuntu Server 18.04 LTS", ("ubuntu", "18.04")),
    ],
)
def test_real_names_are_read(name, system):
    found = system_of(image(name))
    assert (found.distribution, found.version) == system


@pytest.mark.parametrize("name", ["", "cirros", "windows 2019", "my-data", "deb-kernel"])
def test_other_names_say_nothing(name):
    assert system_of(image(name)) is None


def test_properties_beat_the_name():
    liar = declared("Debian 12", "22.04", "ubuntu")
    assert system_of(liar).distribution == "ubuntu"
    with pytest.raises(SiteError):
        choose(liar)


def test_annotations_and_legacy_properties_are_read():
    noted = image(
        "x",
        properties={
            "APPLIANCE_ATTRIBUTES": '{"org.openstack.glance.os_distro": "debian",'
            ' "org.openstack.glance.os_version": "12", "n": 3}'
        },
    )
    assert system_of(noted).evidence == "EGI's annotations"
    legacy = image("y", properties={"sl:osname": "Debian", "sl:osversion": "12.4"})
    assert system_of(legacy).version == "12.4"


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"a": {}}'])
def test_malformed_annotations_do_no_harm(text):
    assert choose(declared("a", properties={"APPLIANCE_ATTRIBUTES": text})).name == "a"


def test_the_login_user_is_in_the_annotations():
    assert admin_user(egi_image("alma", "9", "almalinux")) == "almalinux"
    assert admin_user(declared("a", properties={"os_admin_user": "debian"})) == "debian"


def test_the_highest_point_release_then_the_newest_of_a_line_wins():
    choice = choose(
        image("Rocky-8.5-v2", created_at=DAY),
        image("Rocky-8.7-v4", created_at=OLDER),
        need=ImageNeed(distribution="rocky", version="8"),
    )
    assert choice.name == "Rocky-8.7-v4"
    assert choice.reason == "newest of 2, known by its name only"


def test_a_version_is_not_a_prefix():
    with pytest.raises(SiteError):
        choose(declared("a", "12"), need=ImageNeed(distribution="debian", version="1"))


def test_two_lines_stop_the_run_and_are_listed():
    with pytest.raises(AmbiguousChoiceError) as caught:
        choose(declared("debian-12-cloud"), declared("Debian golden"))
    assert len(caught.value.facts) == 2
    assert caught.value.way_out[0].endswith("--set 'image=Debian golden'")


def test_what_the_site_declares_beats_a_name():
    assert choose(image("debian-12"), declared("golden")).name == "golden"


@pytest.mark.parametrize(
    "bad",
    [
        {"status": "queued"},
        {"status": "deactivated"},
        {"hidden": True},
        {"visibility": "community"},
        {"properties": {"image_type": "snapshot"}},
        {"properties": {"disk_format": "aki"}},
        {"properties": {"architecture": "aarch64"}},
    ],
)
def test_what_cannot_or_should_not_be_booted_is_left_out(bad):
    assert choose(declared("bad", **bad), declared("good", created_at=OLDER)).name == "good"
    with pytest.raises(SiteError) as caught:
        choose(declared("bad", **bad))
    assert caught.value.facts["bad"]


def test_the_order_of_the_listing_changes_nothing():
    listed = [declared("a", id="1"), declared("a", id="2"), declared("a", id="0", created_at=OLDER)]
    assert choose(*listed) == choose(*reversed(listed))
    assert "the id decides" in choose(*listed).reason


def test_an_override_is_taken_by_id_or_name():
    listed = (declared("a"), image("odd"))
    assert choose(*listed, override="odd").origin == "the command line"
    assert choose(*listed, override="id-odd").name == "odd"


def test_an_override_of_another_system_or_without_data_is_refused():
    with pytest.raises(RequestError, match=r"ubuntu 22\.04"):
        choose(declared("u", "22.04", "ubuntu"), override="u")
    with pytest.raises(RequestError, match="queued"):
        choose(declared("q", status="queued"), override="q")
    with pytest.raises(RequestError, match="no image gone"):
        choose(declared("q"), override="gone")


def test_a_dated_copy_continues_its_line():
    one, two = image("Ubuntu-20.04-20211006"), image("Ubuntu-20.04-20220101")
    assert lineage_of(one) == lineage_of(two)
    assert lineage_of(EGI[0]).key == "egi_vm_images/ubuntu"
    assert lineage_of(EGI[2]).key == "egi_vm_images/docker"


def test_every_image_that_cesga_had_is_read_or_passed_over():
    for listed in offers.read("cesga-2020-appdb.json")["images"]:
        found = system_of(image(listed["appname"] or ""))
        assert found is None or found.version[0].isdigit()


def test_a_hostile_name_is_read_in_no_time():
    spent = time.monotonic()
    assert system_of(image("ubuntu" + "-" * 200 + "x")) is None
    assert time.monotonic() - spent < 0.5


@pytest.mark.parametrize(
    ("one", "confidence"),
    [
        (declared("a"), "certain"),
        (egi_image("debian", "12", "debian"), "certain"),
        (image("y", properties={"sl:osname": "Debian", "sl:osversion": "12.4"}), "certain"),
        (image("Debian 12"), "likely"),
    ],
)
def test_an_image_is_as_sure_as_what_says_its_system(one, confidence):
    assert choose(one).confidence == confidence


def test_an_override_keeps_what_it_beats_and_says_what_is_not_told():
    found = choose(image("odd"), override="odd")
    assert (found.confidence, found.beaten) == ("fixed", (("sites/S.yaml", "b"),))
    assert found.reason == "asked for in the command line; what it holds is not told"


def test_a_community_image_is_taken_when_it_is_named():
    assert choose(declared("c", visibility="community"), override="c").name == "c"


def test_images_that_cannot_be_used_are_told_apart_and_few():
    listed = [declared("a", id=f"{n:02}", status="queued") for n in range(20)]
    with pytest.raises(SiteError) as caught:
        choose(*listed)
    assert len(caught.value.facts) == 13
    assert caught.value.facts["a (00)"] == "is queued"


@pytest.mark.parametrize("version", ["²", "", "x", "12.²"])
def test_an_odd_version_does_no_harm(version):
    found = offers.outcome(lambda: choose(declared("a", version)))
    assert getattr(found, "name", "") == "a" or "has no image" in found.message


def test_two_lines_are_the_same_error_in_any_order():
    listed = [declared("golden", id="2"), declared("cloud", id="1"), declared("cloud", id="3")]
    errors = [offers.outcome(lambda turn=turn: choose(*listed[::turn])) for turn in (1, -1)]
    assert errors[0].facts == errors[1].facts
    assert errors[0].way_out == errors[1].way_out
    assert errors[0].way_out[0].endswith("--set image=3")
