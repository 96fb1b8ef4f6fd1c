"""Train stardist on the pictures that `nuclei` trains on, and write what it finds.

    python nuclei_stardist.py DATA OUT.json [--seconds 1800] [--seed 0]

It runs by its path, in an environment of its own, since stardist 0.9.1 cannot be
imported beside NumPy 2: `pip install stardist==0.9.1 "numpy<2" tensorflow==2.17.1
tf-keras==2.17.0 pycocotools`. Sizes are those of its authors' example for these nuclei:
32 rays, every second pixel, patches of 256 x 256, four a step, an epoch of 100 steps,
augmented likewise; of "train" 15 % choose weights and thresholds. The seed is of which
these are and of the patches, not of the initial weights: runs differ. `nuclei --score
OUT.json` measures it. https://github.com/stardist/stardist; Schmidt et al.,
arXiv:1806.03535.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np
import tf_keras
from csbdeep.utils import normalize
from PIL import Image
from pycocotools import mask as rle
from stardist.models import Config2D, StarDist2D

EPOCHS = 400
LEAST_SCORE = 0.05
"""From which on detections are written: AP needs the unsure ones too."""


class StopAfter(tf_keras.callbacks.Callback):
    """End a training with the first step behind so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.until, self.steps = time.perf_counter() + seconds, 0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.steps += 1
        if time.perf_counter() > self.until:
            self.model.stop_training = True


def load(folder: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return pictures, from about 0 to 1, and the numbers of nuclei at their pixels."""
    files = sorted((folder / "images").glob("*.png"))
    pictures = [np.asarray(Image.open(f), np.float32) for f in files]
    numbers = [Image.open(folder / "masks" / f.name) for f in files]
    return (
        [normalize(picture, 1, 99.8) for picture in pictures],
        [np.asarray(number, np.int32) for number in numbers],
    )


def changed(picture: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn and mirror a patch, and change its brightness, contrast and noise."""
    draw, quarters = np.random.uniform, np.random.randint(4)
    picture, numbers = (np.rot90(each, quarters) for each in (picture, numbers))
    if draw() < 0.5:
        picture, numbers = picture[::-1], numbers[::-1]
    picture = picture * draw(0.6, 2) + draw(-0.2, 0.2)
    noise = 0.02 * draw() * np.random.normal(size=picture.shape)
    return picture + noise, numbers


def train(folder: Path, kept: str, seconds: float, seed: int) -> tuple[StarDist2D, int]:
    """Return a trained model, with its thresholds, and its steps."""
    pictures, numbers = load(folder)
    order = np.random.RandomState(seed).permutation(len(pictures))
    pictures, numbers = ([each[i] for i in order] for each in (pictures, numbers))
    held = round(0.15 * len(order))
    config = Config2D(
        n_rays=32,
        grid=(2, 2),
        n_channel_in=1,
        train_patch_size=(256, 256),
        train_batch_size=4,
        train_steps_per_epoch=100,
        train_epochs=EPOCHS,
    )
    model = StarDist2D(config, name="nuclei", basedir=kept)
    model.prepare_for_training()
    model.callbacks.append(stop := StopAfter(seconds))
    choosing = pictures[:held], numbers[:held]
    model.train(
        pictures[held:],
        numbers[held:],
        validation_data=choosing,
        augmenter=changed,
        seed=seed,
    )
    model.optimize_thresholds(*choosing)
    return model, stop.steps


def found(model: StarDist2D, folder: Path) -> list[dict]:
    """Return what is in the pictures of a folder, as COCO's results."""
    results = []
    for image_id, picture in enumerate(load(folder)[0]):
        labels, about = model.predict_instances(picture, prob_thresh=LEAST_SCORE)
        for i, score in enumerate(about["prob"], start=1):
            code = rle.encode(np.asfortranarray(labels == i, np.uint8))
            code["counts"] = code["counts"].decode()
            entry = {"image_id": image_id, "category_id": 1, "score": float(score)}
            results.append(entry | {"segmentation": code})
    return results


def main() -> None:
    """Train, detect, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as kept:
        model, steps = train(args.data / "train", kept, args.seconds, args.seed)
        results = found(model, args.data / "val")
    about = {"name": "stardist", "seed": args.seed, "seconds": args.seconds}
    document = {
        "about": about | {"steps": steps},
        "score": float(model.thresholds.prob),
        "results": results,
    }
    beside = args.out.with_name(f"{args.out.name}.part")
    beside.write_text(json.dumps(document))
    beside.replace(args.out)  # whole or not at all


if __name__ == "__main__":
    main()
