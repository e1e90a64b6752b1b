"""Counts the module calls and the seconds of each role, and prints them as one JSON line."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: role_times
type: aggregate
short_description: module calls and seconds of each role
description: [For tests.bench]
"""
# They run on the controller and start nothing on the node.
LOCAL = frozenset({"assert", "include_role", "include_tasks", "meta", "set_fact"})
# A file costs two calls: one looks at what is there.
TWO = frozenset({"copy", "template"})


class CallbackModule(CallbackBase):
    """Listens to one playbook."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "role_times"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._began = 0.0
        self._task: Any = None
        self._calls: dict[str, int] = defaultdict(int)
        self._seconds: dict[str, float] = defaultdict(float)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """A task of some role begins, so the one before has ended."""
        self._close()
        self._task = task

    v2_playbook_on_handler_task_start = v2_playbook_on_task_start

    def v2_runner_on_ok(self, result: Any) -> None:
        """Count the calls of a task, or of each of its items."""
        rows = result._result.get("results")
        rows = rows if isinstance(rows, list) and result._task.loop else [result._result]
        action = result._task.action.rpartition(".")[2]
        ran = [row for row in rows if not row.get("skipped")]
        if action not in LOCAL:
            self._calls[_role(result._task)] += len(ran) * (2 if action in TWO else 1)

    v2_runner_on_failed = v2_runner_on_ok

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print what was found."""
        self._close()
        rows = {
            role: {"calls": self._calls[role], "seconds": round(spent, 1)}
            for role, spent in self._seconds.items()
        }
        self._display.display(f"role times: {json.dumps(rows)}")

    def _close(self) -> None:
        if self._task is not None:
            self._seconds[_role(self._task)] += time.monotonic() - self._began
        self._began = time.monotonic()


def _role(task: Any) -> str:
    return task._role.get_name() if task._role else "play"
