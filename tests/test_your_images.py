"""The code on the page "Your own images" runs, from annotations to a pruned network."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mrcnn.data.shapes import ShapesDataset

PAGE = Path(__file__).resolve().parents[1] / "book" / "your-images.md"


def write_set(folder: Path, dataset: ShapesDataset) -> None:
    """Write images and numbered masks as the page describes them."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for i in dataset.image_ids:
        masks, _ = dataset.load_mask(i)
        numbers = (masks * np.arange(1, masks.shape[-1] + 1)).max(axis=-1, initial=0)
        Image.fromarray(dataset.load_image(i)).save(folder / "images" / f"{i}.png")
        Image.fromarray(numbers.astype(np.uint8)).save(folder / "masks" / f"{i}.png")


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
def test_the_code_of_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_set(tmp_path / "cells" / "train", ShapesDataset(4, seed=1))
    write_set(tmp_path / "cells" / "val", ShapesDataset(2, seed=2))
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    code = "\n".join(blocks)
    shorter = {
        'NAME = "cells"': 'NAME = "cells"; OPTIMIZER = "sgd"; WEIGHT_DECAY = 0.0',
        "IMAGE_MIN_DIM = 256": "IMAGE_MIN_DIM = 128",
        "IMAGE_MAX_DIM = 256": "IMAGE_MAX_DIM = 128",
        "epochs=40": "epochs=1",
        "epochs=10": "epochs=5",
        "updates=4": "updates=2",
        "steps=1000": "steps=7",
    }
    for whole, short in shorter.items():
        assert code.count(whole) == 1
        code = code.replace(whole, short)
    exec(compile(code, str(PAGE), "exec"), {})
    said = capsys.readouterr().out
    assert "excluded: mrcnn_bbox_fc, mrcnn_class_logits, mrcnn_mask\n" in said
    assert "90.0%" in said
    files = {path.name for path in tmp_path.iterdir()}
    assert {"annotations.png", "extremes.png", "found.png"} <= files
    assert {"cells.h5", "cells_pruned.h5", "cells_narrow.h5"} <= files
    sizes = [(tmp_path / f"cells{kind}.h5").stat().st_size for kind in ("", "_narrow")]
    assert sizes[1] < 0.7 * sizes[0]
    assert (tmp_path / "cells.tflite").stat().st_size > 0.9 * sizes[1]
    assert (tmp_path / "training" / "checkpoint.h5").is_file()
