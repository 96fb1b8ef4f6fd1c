"""A model's folder gives the same model back, and refuses whatever is another's."""

import json

import keras
import numpy as np
import pytest

from mrcnn import build, model_folder
from mrcnn.config import as_values
from mrcnn.detection import detect
from mrcnn.weights import save_weights

pytestmark = pytest.mark.usefixtures("eager")
NAMES = ("BG", "square", "circle", "triangle")


@pytest.fixture
def folder(tiny_model, tmp_path):
    return model_folder.write(tmp_path / "run", tiny_model, NAMES)


def change(folder, name, value):
    """Set a field of settings.json, or remove it if the value is ..."""
    file = folder / "settings.json"
    document = json.loads(file.read_text())
    if value is ...:
        del document[name]
    else:
        document[name] = value
    file.write_text(json.dumps(document))
    return file


def test_the_same_model_comes_back(folder, tiny_model, tiny_config, tiny_shapes):
    model, config, names = model_folder.read(folder)
    assert names == model.class_names == NAMES
    assert as_values(config) == as_values(tiny_config)
    assert model.settings == tiny_model.settings
    images = [tiny_shapes.load_image(i) for i in range(2)]
    for ours, theirs in zip(
        detect(model, images), detect(tiny_model, images), strict=True
    ):
        for key, value in theirs.items():
            np.testing.assert_array_equal(ours[key], value)


def test_writing_again_writes_the_same_bytes(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert before.keys() == {"model.h5", "settings.json"}
    model_folder.write(folder, model_folder.read(folder).model)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("name", ["settings.json", "report.json", "model.h5"])
def test_files_of_a_users_own_are_not_replaced(tiny_model, tmp_path, name):
    (tmp_path / name).write_text('{"schema": "mine"}')
    for write in (model_folder.place, lambda at: model_folder.write(at, tiny_model)):
        with pytest.raises(FileExistsError, match=f"{name} is there, and of no model"):
            write(tmp_path)
    assert [p.read_text() for p in tmp_path.iterdir()] == ['{"schema": "mine"}']


def test_settings_may_be_others_for_once(folder):
    found = model_folder.read(folder, settings={"DETECTION_MIN_CONFIDENCE": 0.99})
    assert found.model.settings.min_confidence == 0.99
    with pytest.raises(ValueError, match="is no setting"):
        model_folder.read(folder, settings={"CONFIDENCE": 0.99})


def test_other_weights(folder, tiny_config, tmp_path):
    other = build.model(tiny_config, seed=4)
    save_weights(other, tmp_path / "other.h5")
    model = model_folder.read(folder, weights=tmp_path / "other.h5").model
    np.testing.assert_array_equal(model.get_weights()[0], other.get_weights()[0])
    other.class_names = ("BG", "a", "b", "c")
    save_weights(other, tmp_path / "other.h5")
    with pytest.raises(ValueError, match=r"other\.h5 is of the classes BG, a, b, c"):
        model_folder.read(folder, weights=tmp_path / "other.h5")


def test_two_files_that_do_not_belong_together(folder, tiny_config):
    save_weights(build.model(tiny_config, seed=4), folder / "model.h5")
    with pytest.raises(ValueError, match=r"model\.h5 is not the file that .*settings"):
        model_folder.read(folder)


@pytest.mark.parametrize("name", ["model.h5", "settings.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing"):
        model_folder.read(folder)


@pytest.mark.parametrize("name", ["schema", "version", "class_names", "settings"])
@pytest.mark.parametrize("value", [..., None, 7, "x", [], {}, [1, 2, 3, 4]])
def test_a_faulty_field_is_named_with_its_file(folder, name, value):
    file = change(folder, name, value)
    with pytest.raises(ValueError) as caught:
        model_folder.read(folder)
    said = str(caught.value)
    assert str(file) in said
    assert name in said or name == "settings"


@pytest.mark.parametrize(
    ("setting", "value"),
    [("IMAGE_MAX_DIM", 70), ("BACKBONE", "vgg"), ("NUM_CLASSES", 3), ("X", 1)],
)
def test_a_faulty_setting_is_named_with_its_file(folder, setting, value):
    settings = json.loads((folder / "settings.json").read_text())["settings"]
    file = change(folder, "settings", settings | {setting: value})
    with pytest.raises(ValueError, match=setting) as caught:
        model_folder.read(folder)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\ud7ff{", "[" * 100_000])
def test_what_is_no_description_is_refused(folder, text):
    (folder / "settings.json").write_text(text)
    with pytest.raises(ValueError, match=r"settings\.json"):
        model_folder.read(folder)


def test_what_cannot_be_described_is_not_written(tiny_model, tiny_config, tmp_path):
    with pytest.raises(ValueError, match="expected 4 texts"):
        model_folder.write(tmp_path / "run", tiny_model, ("BG", "thing"))
    model = build.model(tiny_config)
    with pytest.raises(ValueError, match="expected 4 texts"):
        model_folder.write(tmp_path / "run", model)
    model.save(tmp_path / "whole.keras")
    read = keras.saving.load_model(tmp_path / "whole.keras")
    with pytest.raises(ValueError, match="read from a file"):
        model_folder.write(tmp_path / "run", read, NAMES)
    assert not (tmp_path / "run").exists()


def test_settings_of_ones_own(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text('{"IMAGE_MAX_DIM": 512}')
    assert model_folder.read_values(file) == {"IMAGE_MAX_DIM": 512}
    file.write_text('{"IMAGE_MAX_DIM": "large", "IMAGE_MIN": 1}')
    with pytest.raises(
        ValueError, match=r"mine\.json: it has 2 faults:\n- IMAGE_MAX_D"
    ):
        model_folder.read_values(file)
    file.write_text("[1]")
    with pytest.raises(ValueError, match=r"mine\.json holds \[1\]: expected an object"):
        model_folder.read_values(file)
    with pytest.raises(FileNotFoundError, match="is missing"):
        model_folder.read_values(tmp_path / "none.json")
