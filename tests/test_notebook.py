"""The helpers that notebooks call."""

import json

import keras
import numpy as np
import pytest
from matplotlib import pyplot as plt

from mrcnn import hardware, notebook


@pytest.fixture
def displayed(monkeypatch) -> list[tuple]:
    """Collect what the helpers would display."""
    calls: list[tuple] = []
    monkeypatch.setattr(notebook, "display", lambda *a, **kw: calls.append((a, kw)))
    return calls


@pytest.fixture(autouse=True)
def order():
    """Ask TensorFlow whether sums have a fixed order, and forget it afterwards."""
    if keras.backend.backend() != "tensorflow":
        yield None
        return
    from tensorflow.python.framework import config

    yield config.is_op_determinism_enabled
    config.disable_op_determinism()


@pytest.mark.parametrize(("capability", "fixed"), [(None, True), (8.0, False)])
def test_setup_fixes_the_order_of_sums_but_on_gpus(
    capability, fixed, order, monkeypatch
):
    if not order:
        pytest.skip("of TensorFlow")
    monkeypatch.setattr(hardware, "_gpu_capability", lambda: capability)
    assert not order()
    notebook.setup(0)
    assert order() == fixed


@pytest.mark.usefixtures("rewritten")
def test_only_smoke_takes_graphs_as_they_are(order):
    if not order:
        pytest.skip("of TensorFlow")
    import tensorflow as tf

    for profile in ("", "cpu", "full", "smoke"):
        notebook.setup(7, profile=profile)
        options = tf.config.optimizer.get_experimental_options()
        assert options["disable_meta_optimizer"] == (profile == "smoke")


def test_results_are_written_as_plain_values(displayed, tmp_path):
    notebook.setup(0)
    assert notebook.record("ap", np.float32(0.5)) == 0.5
    notebook.record("images", np.int64(3))
    notebook.record("from", "scratch")
    assert np.isnan(notebook.record("change", np.nan))
    notebook.finish(tmp_path / "new")
    metrics = json.loads((tmp_path / "new" / "metrics.json").read_text())
    assert metrics == {"ap": 0.5, "images": 3, "from": "scratch", "change": None}
    facts = json.loads((tmp_path / "new" / "environment.json").read_text())
    assert facts["numpy"] == np.__version__
    assert "cpu" in facts["device"] or "cores" in facts["device"]


def test_recorded_results_can_be_quoted(displayed):
    notebook.record("ap", np.float32(0.25))
    (data,), keywords = displayed[0]
    assert data == {"application/papermill.record/text/plain": "0.25"}
    assert keywords["metadata"]["scrapbook"]["name"] == "ap"


@pytest.mark.parametrize("value", [None, True, [1.0], np.bool_(True), {"a": 1}])
def test_only_numbers_and_strings_are_recorded(value, displayed):
    with pytest.raises(TypeError, match=r"record\(.x., \.\.\.\) takes one number"):
        notebook.record("x", value)
    assert not displayed


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.float32("inf")])
def test_infinite_results_are_refused(value, displayed):
    with pytest.raises(ValueError, match=r"record\(.x., -?inf\).*finite"):
        notebook.record("x", value)
    assert not displayed


def test_setup_repeats_random_numbers_and_forgets_results(displayed, tmp_path, capsys):
    notebook.setup(7, profile="smoke")
    first = np.random.rand()
    notebook.record("old", 1)
    notebook.setup(7, profile="smoke")
    assert np.random.rand() == first
    notebook.finish(tmp_path)
    assert json.loads((tmp_path / "metrics.json").read_text()) == {}
    assert "profile: smoke, seed 7" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("photo", "magic"), [(True, b"\xff\xd8\xff"), (False, b"\x89PNG")]
)
def test_photographs_become_jpeg_and_plots_png(photo, magic, displayed):
    figure = plt.figure()
    notebook.show(figure, photo=photo)
    (image,), _ = displayed[0]
    assert image.data.startswith(magic)
    assert not plt.fignum_exists(figure.number)


def test_verbosity_follows_the_environment(monkeypatch):
    monkeypatch.delenv("NB_VERBOSE", raising=False)
    assert notebook.verbosity() == 1
    monkeypatch.setenv("NB_VERBOSE", "2")
    assert notebook.verbosity() == 2
