"""Programs: a clean environment, an end in time, nothing left running."""

import sys
import time

import pytest

from orchestrator.drivers import command
from orchestrator.errors import SetupError


def run(text, **given):
    return command.run([sys.executable, "-c", text], **{"env": {}, "timeout": 20, **given})


def test_the_answer_has_code_and_words():
    answer = run("import sys; print('out'); sys.exit('first\\nlast words')")
    assert (answer.code, answer.stdout, answer.last_words) == (1, "out\n", "last words")
    assert "out" not in repr(answer)


def test_a_silent_failure_says_so():
    assert "ended with code 3" in run("import sys; sys.exit(3)").last_words


def test_nothing_of_our_environment_is_passed_on(monkeypatch):
    monkeypatch.setenv("OS_TOKEN", "leak")
    answer = run("import os; print(sorted(os.environ))", env={"A": "1"})
    assert "OS_TOKEN" not in answer.stdout
    assert "'A'" in answer.stdout


def test_input_is_given_or_closed():
    assert run("print(input())", stdin="hello\n").stdout == "hello\n"
    assert run("import sys; print(repr(sys.stdin.read()))").stdout == "''\n"


def test_new_files_are_private(tmp_path):
    run("open('f', 'w')", cwd=tmp_path)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600


def test_a_program_that_hangs_is_ended_with_its_children(tmp_path):
    child = "import time; time.sleep(1); open('alive', 'w')"
    text = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]);"
    with pytest.raises(command.CommandTimeoutError, match="did not answer"):
        run(text + "time.sleep(60)", cwd=tmp_path, timeout=0.4)
    time.sleep(1.2)
    assert not (tmp_path / "alive").exists()


def test_what_a_program_had_said_before_it_was_ended_is_told():
    text = "import sys, time; print('so far ☃', file=sys.stderr, flush=True); time.sleep(60)"
    with pytest.raises(command.CommandTimeoutError) as caught:
        run(text, timeout=0.6, env={"PYTHONIOENCODING": "utf-8"})
    assert caught.value.stderr == "so far ☃\n"


def test_a_missing_program_is_named(tmp_path):
    with pytest.raises(SetupError, match="no-such-program cannot be started"):
        command.run(["no-such-program"], env={}, timeout=1)
