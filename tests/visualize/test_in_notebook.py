"""A notebook shows every figure once, however the cell ends."""

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

SETUP = """\
import numpy as np
from matplotlib import pyplot as plt
from mrcnn import visualize
image, boxes = np.zeros((8, 8, 3), np.uint8), np.array([[1, 1, 6, 6]])
masks = np.zeros((8, 8, 1), bool)
masks[1:6, 1:6] = True
objects = image, boxes, masks, np.array([1]), ["BG", "square"]"""
CELLS = {
    "figure = visualize.display_images([image])": 1,
    "visualize.display_instances(*objects, figsize=(3, 3))": 1,
    "visualize.display_instances(*objects, figsize=(3, 3));": 1,
    "for _ in range(3): visualize.display_top_masks(image, *objects[2:])": 3,
    "_, ax = plt.subplots()\nvisualize.display_instances(*objects, ax=ax)": 1,
    "plt.plot([1, 2]);": 1,
}
"""How many pictures each shows."""


@pytest.fixture(scope="module")
def cells(pytestconfig: pytest.Config) -> list[nbformat.NotebookNode]:
    """Run the cells with the backend that Jupyter chooses, no magic asking for it."""
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in (SETUP, *CELLS)])
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MPLBACKEND", raising=False)
        patch.setenv("PYTHONPATH", str(pytestconfig.rootpath))
        NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return notebook.cells[1:]


@pytest.mark.parametrize("number", range(len(CELLS)), ids=list(CELLS))
def test_figures_are_shown_once(
    number: int, cells: list[nbformat.NotebookNode]
) -> None:
    pictures = [
        output
        for output in cells[number].outputs
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == list(CELLS.values())[number]
