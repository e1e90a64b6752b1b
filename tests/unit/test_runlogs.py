"""Which files belong to which run."""

from __future__ import annotations

from orchestrator import runlogs
from orchestrator.workdir import Workdir


def written(workdir, *words, text="x\n", suffix="jsonl"):
    file = workdir.next_run(*words, suffix=suffix)
    file.write_text(text)
    return file


def test_what_was_written_after_a_run_began_and_before_the_next_is_that_runs(workdir):
    first = written(workdir, "run-deploy")
    plan = written(workdir, "terraform", "plan")
    second = written(workdir, "run-destroy")
    destroy = written(workdir, "terraform", "apply")
    assert runlogs.runs(workdir) == [first, second]
    assert runlogs.raw_of(workdir, first) == [plan]
    assert runlogs.raw_of(workdir, second) == [destroy]


def test_ansibles_words_lie_elsewhere_and_empty_files_say_nothing(workdir):
    run = written(workdir, "run-deploy")
    written(workdir, "terraform", "init", text="")
    number = written(workdir, "ansible", text="", suffix="txt")
    printed = workdir.path / "ansible" / "artifacts" / number.stem / "stdout"
    printed.parent.mkdir(parents=True)
    printed.write_text("PLAY\n")
    assert runlogs.raw_of(workdir, run) == [printed]


def test_a_deployment_without_a_folder_has_no_runs(tmp_path):
    assert runlogs.runs(Workdir(tmp_path / "gone")) == []


def test_the_end_of_a_long_file_begins_with_a_whole_line(tmp_path):
    file = tmp_path / "log"
    file.write_text("".join(f"line {number}\n" for number in range(1000)))
    assert runlogs.tail(file, 10**6) == file.read_text()
    head, first, *_ = runlogs.tail(file, 50).splitlines()
    assert head == "[the beginning is left out]"
    assert first.startswith("line ")
