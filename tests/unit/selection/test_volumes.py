"""Data volumes: a new one of the size that is needed, or one that the project holds and that fits."""

import pytest

from orchestrator.errors import AmbiguousChoiceError, RequestError
from orchestrator.model import Volume
from orchestrator.selection.overrides import Override
from orchestrator.selection.volumes import choose_volume
from tests.unit.selection.offers import need, offer


def volume(found_id="v1", name="cube", size_gb=50, status="available", **given):
    return Volume(id=found_id, name=name, size_gb=size_gb, status=status, **given)


def choose(*listed, asked="cube", **needs):
    override = Override(value=asked, origin="--set", beaten=(("sky.yaml", "old"),))
    return choose_volume(offer(volumes=listed), need(**needs), override=override)


def refusal(*listed, **given):
    with pytest.raises(RequestError) as caught:
        choose(*listed, **given)
    return caught.value


def test_without_a_word_it_is_a_new_one_of_the_size_that_is_needed():
    found = choose_volume(offer(volumes=(volume(),)), need(volume_gb=60))
    assert (found.size_gb, found.choice) == (60, None)
    assert choose_volume(offer(), need()).size_gb == 0


@pytest.mark.parametrize("asked", ["v1", "cube"])
def test_one_that_is_named_is_taken_with_its_own_size(asked):
    found = choose(volume(), volume("v2", "other"), asked=asked, volume_gb=20)
    assert (found.size_gb, found.choice.value, found.choice.name) == (50, "v1", "cube")
    assert found.choice.label == "cube v1 (50 GB)"
    assert (found.choice.confidence, found.choice.origin) == ("fixed", "--set")
    assert found.choice.beaten == (("sky.yaml", "old"),)
    assert found.choice.candidates == 2


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"status": "in-use"}, "it is in-use"),
        ({"status": "error"}, "it is error"),
        ({"bootable": True}, "holds a system"),
        ({"size_gb": 10}, "it has 10 GB, and 20 GB are needed"),
    ],
)
def test_one_that_cannot_serve_is_refused_with_those_that_can(given, why):
    error = refusal(volume(**given), volume("v2", "spare"), volume_gb=20)
    assert why in error.message
    assert error.facts == {"asked for in": "--set", "free are": "spare v2 (50 GB)"}


def test_one_of_a_deployment_that_runs_tells_how_it_becomes_free():
    error = refusal(volume(status="in-use", made_by="0f3c"))
    assert "its volume is kept" in error.way_out[0]


def test_one_that_is_not_there_or_there_twice_is_an_error():
    assert "no volume cube" in refusal(volume(name="cub")).message
    with pytest.raises(AmbiguousChoiceError):
        choose(volume(), volume("v2"))
