"""Which weights are taken, and what is refused."""

import pytest

from mrcnn import build, presets, pretrained
from mrcnn.data.shapes import ShapesDataset
from mrcnn.evaluation import evaluate
from mrcnn.files import sha256
from mrcnn.weights import load_weights


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of shipped checkpoints that holds one for "shapes"."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / "shapes.h5").write_bytes(b"weights")
    digest = sha256(folder / "shapes.h5")
    (folder / "SHA256SUMS").write_text(f"{digest}  shapes.h5\n")
    monkeypatch.setattr(pretrained, "FOLDER", folder)
    monkeypatch.setattr(pretrained, "CHECKSUMS", folder / "SHA256SUMS")
    return folder


def test_shipped(folder):
    assert pretrained.shipped("shapes") == folder / "shapes.h5"
    assert pretrained.shipped("balloon") is None


@pytest.mark.parametrize("sums", [None, "", "0000  shapes.h5\n"])
def test_a_damaged_checkpoint_is_refused(folder, sums):
    if sums is None:
        (folder / "shapes.h5").write_bytes(b"weight")
    else:
        (folder / "SHA256SUMS").write_text(sums)
    with pytest.raises(ValueError, match=r"shapes\.h5 does not match SHA256SUMS"):
        pretrained.shipped("shapes")


def test_auto_prefers_what_was_trained_here(folder, tmp_path):
    trained = tmp_path / "out" / "mine.h5"
    found = pretrained.find("auto", "shapes", trained)
    assert found == (
        folder / "shapes.h5",
        "Weights: shapes.h5, shipped with the package.",
    )
    trained.parent.mkdir()
    trained.write_bytes(b"")
    path, sentence = pretrained.find("auto", "shapes", trained)
    assert path == trained
    assert "mine.h5, trained by this suite" in sentence
    assert pretrained.find("auto", "shapes") == found


def test_auto_without_any(folder, tmp_path):
    path, sentence = pretrained.find("auto", "balloon", tmp_path / "none.h5")
    assert path is None
    assert "random" in sentence


def test_a_choice(folder, tmp_path):
    mine = tmp_path / "mine.h5"
    with pytest.raises(FileNotFoundError, match=r"WEIGHTS is .*mine\.h5.*no such file"):
        pretrained.find(str(mine), "shapes", tmp_path / "trained.h5")
    mine.write_bytes(b"")
    assert pretrained.find(str(mine), "shapes", mine)[0] == mine
    assert pretrained.find("none", "shapes", mine)[0] is None


def test_what_is_shipped_is_whole():
    for name in ("shapes", "balloon"):
        path = pretrained.shipped(name)
        assert path.stat().st_size <= 6_000_000


@pytest.mark.slow
def test_the_shipped_shapes_model_is_the_trained_one():
    model = build.model(presets.ShapesConfig())
    report = load_weights(model, pretrained.shipped("shapes"))
    assert not (report.missing or report.unused or report.excluded)
    test_set = ShapesDataset(16, seed=presets.SHAPES_TEST_SEED)
    measured = evaluate(model, test_set, batch_size=8)
    assert min(measured.box.ap, measured.mask.ap) > 0.85
