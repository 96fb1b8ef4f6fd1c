"""Help is instant, errors are one message, and JSON stands alone."""

import json
import os
import subprocess
import sys

import pytest

from mrcnn import commands
from mrcnn.commands import COMMANDS, main
from mrcnn.data import open_dataset
from mrcnn.data.pictures import header
from tests.data.readers import coco_sets


def said(capsys):
    """Return what was printed: output and errors."""
    return capsys.readouterr()


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    text = said(capsys).out
    assert f"examples:\n  mrcnn {name} " in text
    assert max(map(len, text.splitlines())) <= 90


def test_without_arguments_there_is_help(capsys):
    assert main([]) == 0
    text = said(capsys).out
    assert all(f"\n    {name} " in text for name in COMMANDS)


def test_help_and_wrong_arguments_load_no_backend():
    """Not even NumPy, so that they are answered at once."""
    program = (
        "import sys\n"
        "from mrcnn.commands import main\n"
        "for arguments in (['train', '--help'], ['train', 'nowhere', '--out', 'x']):\n"
        "    try:\n"
        "        main(arguments)\n"
        "    except SystemExit as ended:\n"
        "        print(ended.code)\n"
        "sys.exit(' '.join({'keras', 'tensorflow', 'numpy'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: mrcnn train")
    assert done.stdout.endswith("\n2\n")


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "mrcnn", "--version"], capture_output=True, text=True
    )
    assert done.stdout.split() == ["mrcnn", "0.1.0"]


def refused(arguments, capsys):
    """Return the only message of a command that ends with 2."""
    try:
        code = main(list(map(str, arguments)))
    except SystemExit as ended:
        code = ended.code
    found = said(capsys)
    assert code == 2
    assert found.err.startswith("mrcnn: error: ")
    assert "Traceback" not in found.err
    return found.err


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["trian"], "invalid choice: 'trian'"),
        (["train"], "required: DATA, --out"),
        (["check", "nowhere"], "'nowhere' is not there"),
        (["check", "n" * 300], "File name too long"),
        (["check", "~nobody/x"], "is not there"),
        (["check", ".", "--json", "."], "argument --json: '.': . is no plain file"),
        (["evaluate", ".", ".", "--coco", "pyproject.toml/x"], "is a file"),
        (["train", ".", "--out", "x", "--best", "luck"], "invalid choice: 'luck'"),
        (["train", ".", "--out", "x", "--set", "EPOCHS"], "'EPOCHS' is not NAME=VALUE"),
        (["train", ".", "--out", "x", "--epochs", "0"], "'0' is no whole number"),
        (["train", ".", "--out", "x", "--seed", "-1"], "argument --seed"),
        (["detect", ".", "a.png", "--out", "x", "--confidence", "2"], "'2' is no numb"),
        (["prune", ".", ".", "--out", "x", "--sparsity", "many"], "'many' is no numb"),
        (["evaluate", ".", ".", "--sides", "64", "all"], "'all' is no whole number"),
        (["export", ".", "--out", "x", "--to", "pickle"], "invalid choice: 'pickle'"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_wrong_arguments_are_told_in_one_line(arguments, what, capsys):
    message = refused(arguments, capsys)
    assert what in message
    assert message.count("\n") == 1 and " --help)" in message


def test_wrong_input_is_told_in_one_message(tmp_path, data, capsys):
    empty, out = tmp_path / "empty", tmp_path / "out"
    empty.mkdir()
    for arguments, what in [
        (["check", empty], "is of no format that is read here"),
        (["check", data, "--format", "TIFF"], "format is 'TIFF'; choose from COCO"),
        (["check", data, "--option", "fast=True"], "fast is no option of COCO JSON"),
        (["check", data, "--option", "path=3"], "path is no --option of a format"),
        (["convert", data, "--out", out / "x.json"], "split= or the path of one"),
        (["train", data, "--out", out, "--set", "STEPS=3"], "'STEPS' is no setting"),
        (["train", data, "--out", out, "--set", "OPTIMIZER=lion"], "is 'lion'; it mus"),
        (["train", data, "--out", out, "--augment", "flop"], "augmentation 'flop'"),
        (["evaluate", empty, data], "settings.json is missing"),
        (["detect", data, empty, "--out", out], "holds no picture"),
        (["detect", empty, "nowhere*", "--out", out], "nowhere*, where nothing is"),
        (["export", empty, "--out", out], "settings.json is missing"),
        (["prune", empty, data, "--out", out], "settings.json is missing"),
    ]:
        assert what in refused(arguments, capsys)
    assert not out.exists()


def test_a_fault_of_the_package_itself_is_shown_whole(monkeypatch, data):
    """A trace is what its report needs."""

    def broken(*_, **__):
        raise KeyError("a mistake")

    monkeypatch.setattr("mrcnn.recipe.open_sets", broken)
    with pytest.raises(KeyError, match="a mistake"):
        main(["check", str(data)])


def test_an_error_without_a_text_is_named(monkeypatch, data, capsys):
    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr("mrcnn.recipe.open_sets", full)
    assert refused(["check", data], capsys) == "mrcnn: error: MemoryError\n"


def test_names_that_a_log_does_not_know(tmp_path, data):
    """Such as of classes, where a log is not in UTF-8."""
    out = tmp_path / "Zellkörper 細胞.json"
    command = [sys.executable, "-m", "mrcnn", "convert", str(data), "--split", "val"]
    plain = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [*command, "--out", str(out)], env=plain, capture_output=True, check=True
    )
    assert rb"Zellk\xf6rper \u7d30\u80de.json" in done.stdout
    assert open_dataset(out).num_images == 3


@pytest.mark.parametrize("command", ["train", "prune"])
def test_a_model_is_replaced_by_restart_alone(command, data, tmp_path, capsys):
    """One without a checkpoint is what somebody keeps."""
    (tmp_path / "settings.json").write_text('{"schema": "mrcnn.Model"}')
    source = [tmp_path / "other"] if command == "prune" else []
    (tmp_path / "other").mkdir()
    told = refused([command, *source, data, "--out", tmp_path], capsys)
    assert "holds a model, and no checkpoint" in told and "by --restart" in told


def test_stopped_by_hand(monkeypatch, data, capsys):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("mrcnn.recipe.open_sets", stop)
    assert main(["train", str(data), "--out", "x"]) == commands.STOPPED == 130
    assert "The same command goes on" in said(capsys).err


def test_json_stands_alone_on_standard_output(data, tmp_path, capsys):
    assert main(["check", str(data), "--json", "-"]) == 0
    found = said(capsys)
    report = json.loads(found.out)
    assert report["sets"]["training"]["images"] == 6
    assert report["sets"]["validation"]["images"] == 3
    assert "Settings that suit these objects" in found.err
    file = tmp_path / "report.json"
    picture = tmp_path / "sheet.png"
    again = ["check", str(data), "--json", str(file), "--picture", str(picture)]
    assert main(again) == 0
    assert json.loads(file.read_text()) == report
    assert "Settings that suit these objects" in said(capsys).out
    assert min(header(picture)[:2]) > 200


def test_who_reads_may_stop_reading(tmp_path, data):
    command = [sys.executable, "-m", "mrcnn", "convert", str(data), "--split", "val"]
    command += ["--out", str(tmp_path / "new.json")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == commands.STOPPED


def test_options_of_a_format(tmp_path, capsys):
    def broken(made):
        made["annotations"][0]["segmentation"] = [[1, 2]]

    file = coco_sets.write(tmp_path, broken)
    assert "skip_faulty=True" in refused(["check", file], capsys)
    assert main(["check", str(file), "--option", "skip_faulty=True"]) == 0
    assert "1 fault is left out" in said(capsys).out


def test_faults_are_the_exit_code(tmp_path, capsys):
    coco_sets.write(tmp_path)
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:300])
    assert main(["check", str(tmp_path)]) == commands.FOUND_FAULTS == 1
    assert "b.png" in said(capsys).out


def test_convert(tmp_path, data, capsys):
    out = tmp_path / "new" / "set.json"
    assert main(["convert", str(data), "--split", "valid", "--out", str(out)]) == 0
    assert "3 images; classes: square, circle, triangle" in said(capsys).out
    before = out.read_bytes()
    assert "which is there: name a new" in refused(
        ["convert", out, "--out", out], capsys
    )
    assert out.read_bytes() == before
    ours, theirs = open_dataset(out), open_dataset(data, "val")
    for i in range(3):
        assert (ours.load_image(i) == theirs.load_image(i)).all()
        for one, other in zip(ours.load_mask(i), theirs.load_mask(i), strict=True):
            assert (one == other).all()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=256", 256),
        ("A = 0.5", 0.5),
        ("A=None", None),
        ("A=False", False),
        ("A=16,32,64", (16, 32, 64)),
        ("A=[1, 2]", [1, 2]),
        ("A={'res2a': 8}", {"res2a": 8}),
        ("A=cosine", "cosine"),
        ("A=a=b", "a=b"),
        ("A=__import__('os')", "__import__('os')"),
        ("A=" + "[" * 9999, "[" * 9999),
        ("A=", ""),
    ],
    ids=range(12),
)
def test_values_are_written_as_in_python_and_nothing_is_executed(text, value):
    from mrcnn.commands.shared import setting

    assert setting(text) == ("A", value)
