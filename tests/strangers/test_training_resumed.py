"""What lies in the folder that a training goes on from."""

from functools import partial

import pytest

from mrcnn import build, training
from mrcnn.structures import Stage
from mrcnn.training_state import read_history


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "is missing"),
        ("", "is not JSON"),
        ('{"loss": [1.0,', "is not JSON"),
        ("[1, 2]", "is no history of the 2 epochs"),
        ("{}", "is no history of the 2 epochs"),
        ('{"loss": [1.0]}', "is no history of the 2 epochs"),
        ('{"loss": 1.0}', "is no history of the 2 epochs"),
    ],
)
def test_a_history_that_is_gone_or_damaged(tmp_path, text, said):
    path = tmp_path / "history.json"
    if text is not None:
        path.write_text(text)
    way_out = "train in another folder, or begin anew by resume=False"
    with pytest.raises(ValueError, match=rf"history\.json {said}.*{way_out}"):
        read_history(path, 2)


def test_a_history_is_as_long_as_the_training(tmp_path):
    path = tmp_path / "history.json"
    path.write_text('{"loss": [3.0, 2.0, 1.0], "val_loss": [4.0]}')
    assert read_history(path, 2) == {"loss": [3.0, 2.0], "val_loss": [4.0]}


@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
def test_nothing_is_restored_before_the_history_is_read(
    tiny_config, tiny_shapes, tmp_path
):
    def fit(model, epochs):
        return training.fit(
            model,
            build.batches(tiny_config, tiny_shapes, steps=1),
            stages=Stage("heads", epochs, 0.0),
            optimizer=partial(build.optimizer, tiny_config),
            folder=str(tmp_path),
            verbose=0,
        )

    fit(build.model(tiny_config, precision="float32"), 1)
    history = (tmp_path / "history.json").read_text()
    (tmp_path / "history.json").write_text(history[:20])
    model = build.model(tiny_config, precision="float32")
    with pytest.raises(ValueError, match=r"history\.json is not JSON"):
        fit(model, 2)
    assert not model.compiled
    (tmp_path / "history.json").write_text(history)
    assert len(fit(model, 2)["loss"]) == 2
