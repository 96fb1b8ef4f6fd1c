"""The workflows of `.github` ask for what the repository has, and for few rights."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text())
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
}
each_workflow = pytest.mark.parametrize("name", WORKFLOWS)


def commands(workflow: dict) -> str:
    """Return all that the jobs of a workflow run."""
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    return "\n".join(step.get("run", "") for step in steps)


def test_there_are_workflows_for_changes_for_weeks_and_for_readers():
    assert sorted(WORKFLOWS) == ["check", "publish", "weekly"]


@each_workflow
def test_every_command_is_one_of_ours(name):
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):.*##", makefile, re.M))
    for line in commands(WORKFLOWS[name]).split("\n"):
        if line:
            assert line == ".ci/run" or line.split()[:1] == ["make"], line
            assert line == ".ci/run" or line.split()[1] in targets, line


@each_workflow
def test_actions_are_named_by_their_commits(name):
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text()
    uses = re.findall(r"uses: *(.+)", text)
    assert uses
    for action in uses:  # with the version of that commit, for readers
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


@each_workflow
def test_rights_are_few_and_no_job_can_hang(name):
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {"contents": "read"}
    # What a stranger proposes must never run with the secrets of the repository.
    assert "pull_request_target" not in workflow[True]  # YAML reads "on" as true
    for title, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 150, title
        assert ("permissions" in job) == (title == "deploy")


@each_workflow
def test_pythons_are_those_that_the_lock_is_for(name):
    lock = (ROOT / "requirements.txt").read_text()
    first, last = re.search(r"Python 3\.(\d+) to 3\.(\d+)", lock).groups()
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text()
    named = [int(minor) for minor in re.findall(r'"3\.(\d+)"', text)]
    assert named
    assert int(first) <= min(named) <= max(named) <= int(last)


def test_issue_forms_are_whole():
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        form = yaml.safe_load(path.read_text())
        if path.stem != "config":
            ids = [field["id"] for field in form["body"]]
            assert len(ids) == len(set(ids))
            assert form["name"]
            assert form["description"]
