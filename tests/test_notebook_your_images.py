"""The notebook of one's own pictures, on what others may have."""

import json
import re
import zipfile
from pathlib import Path

import nbformat
import pytest

from mrcnn import model_folder
from mrcnn.data import coco_files
from mrcnn.data.shapes import ShapesDataset

import runner

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "your_images.ipynb"
EACH = 120


def run(folder: Path, **parameters: str | int) -> str:
    """Run the notebook in its shortest form, and return what it printed."""
    values = {"PROFILE": "smoke", "OUTPUT_DIR": str(folder / "out"), **parameters}
    copy = folder / "executed.ipynb"
    for _ in runner.execute(NOTEBOOK, copy, values, timeout=EACH):
        pass
    outputs = (
        output
        for cell in nbformat.read(copy, as_version=4).cells
        for output in cell.get("outputs", ())
    )
    return "".join(o.text for o in outputs if o.get("name") == "stdout")


def packed(folder: Path) -> Path:
    """Return a zip archive of a folder, as a user makes it."""
    archive = folder.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as opened:
        for path in sorted(folder.rglob("*")):
            opened.write(path, path.relative_to(folder.parent))
    return archive


@pytest.mark.notebook
@pytest.mark.slow
def test_a_folder_with_two_sets_and_pictures_of_its_own(tmp_path):
    cells = tmp_path / "cells"
    for name, count in (("train", 4), ("val", 2)):
        coco_files.write_dataset(ShapesDataset(count, seed=1), cells / f"{name}.json")
    others = str(cells / "train_pictures")
    said = run(tmp_path, DATA=str(cells), PICTURES=others, SIZE=64, WEIGHTS="none")
    assert "4 pictures to learn from, 2 to measure on" in said
    assert "classes: square, circle, triangle" in said
    assert "The network sees 64 pixels;" in said
    assert "    IMAGE_MAX_DIM = 64\n" in said
    assert "Starting from random weights." in said
    assert "4 pictures are drawn." in said
    made = tmp_path / "out"
    with zipfile.ZipFile(made / "my_model.zip") as archive:
        archive.extractall(tmp_path / "taken")
    taken = tmp_path / "taken" / "my_model"
    found = model_folder.read(taken / "run")
    assert found.class_names == ("BG", "square", "circle", "triangle")
    assert found.config.IMAGE_MAX_DIM == 64
    for name in ("run/report.json", "check.json", "coco_results.json"):
        assert json.loads((taken / name).read_text()) is not None
    assert len(list((taken / "found").iterdir())) == 4


@pytest.mark.notebook
@pytest.mark.slow
def test_an_archive_of_one_set(tmp_path):
    coco_files.write_dataset(ShapesDataset(5, seed=1), tmp_path / "cells" / "all.json")
    said = run(tmp_path, DATA=str(packed(tmp_path / "cells")), EPOCHS=1)
    assert "each fifth picture is kept to measure on" in said
    assert "4 pictures to learn from, 1 to measure on" in said
    assert "1 epochs of 2 steps" in said
    assert "1 pictures are drawn." in said


@pytest.mark.notebook
@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "error"),
    [
        (
            "cells.zip",
            r"FileNotFoundError: DATA is 'cells.zip', where nothing is: ",
        ),
        ("upload", r'ValueError: DATA is "upload", which only Colab can do: give'),
    ],
)
def test_what_is_no_data_ends_in_one_sentence(data, error, tmp_path):
    with pytest.raises(runner.NotebookError) as caught:
        run(tmp_path, DATA=data)
    last = str(caught.value).strip().splitlines()[-1]
    assert re.match(error, last)
    assert last.count(".") == data.count(".") + 1
