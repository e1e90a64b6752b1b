"""What a trial reads of a run that went wrong."""

import json
import subprocess
import sys
from pathlib import Path

from tests.faults import trial
from tests.faults.ways import Started


def ended(folder: Path, *lines: str) -> Started:
    output = folder / "said"
    output.write_text("".join(f"{line}\n" for line in lines))
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return Started(process=process, output=output)


def test_the_kind_of_an_error_is_read_however_much_it_tells(tmp_path):
    error = {"event": "error", "message": "x" * 2000, "kind": "DeploymentFailedError"}
    run = ended(tmp_path, json.dumps({"phase": "apply"}), json.dumps(error))
    assert trial._error(run) == "DeploymentFailedError"
    assert len(trial._last(run)) == 600


def test_a_run_that_did_well_or_said_nothing_has_no_error(tmp_path):
    assert trial._error(ended(tmp_path, json.dumps({"event": "result"}))) == ""
    assert trial._error(ended(tmp_path)) == ""
