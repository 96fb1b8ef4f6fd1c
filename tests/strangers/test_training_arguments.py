"""What is given to `training.fit`: refused before any work, or taken as it is meant."""

from functools import partial

import keras
import numpy as np
import pytest

from mrcnn import build, training
from mrcnn.callbacks import settle_watchers
from mrcnn.data.dataset import Dataset
from mrcnn.data.pipeline import Batches
from mrcnn.structures import Stage
from mrcnn.tasks import LOSS_NAMES

STAGE = Stage("heads", 1, 0.0)
K = keras.callbacks


def configure(base, **settings):
    return type("LeafConfig", (type(base),), settings)()


@pytest.fixture
def batches(tiny_config, tiny_shapes):
    return build.batches(tiny_config, tiny_shapes, steps=1)


@pytest.fixture
def fit(tiny_config, tiny_model, batches):
    """Return a function that trains the shared model, which must not come to work."""

    def refused(error, said, train=batches, validation=None, **options):
        options.setdefault("stages", [STAGE])
        options.setdefault("optimizer", partial(build.optimizer, tiny_config))
        with pytest.raises(error, match=said):
            training.fit(tiny_model, train, validation, **options)
        assert not tiny_model.compiled

    return refused


# --- Batches of another model


class FourClasses(Dataset):
    """One image with a square of the third kind of object."""

    def __init__(self):
        super().__init__()
        for i in range(1, 5):
            self.add_class("leaves", i, f"leaf {i}")
        self.add_image("leaves", 0, "leaf.png")
        self.prepare()

    def load_image(self, image_id):
        return np.zeros((64, 64, 3), np.uint8)

    def load_mask(self, image_id):
        return np.ones((64, 64, 1), bool), np.array([3])


def test_another_number_of_classes(tiny_config, fit):
    config = configure(tiny_config, NUM_CLASSES=5)
    train = build.batches(config, FourClasses(), steps=1)
    fit(ValueError, r"model has 4 classes, background included, the data set 5", train)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"USE_MINI_MASK": True}, r"mini masks, the model takes masks of the whole"),
        ({"IMAGE_MAX_DIM": 128}, "max_dim of its preprocessing is 128, of the model's"),
        ({"MEAN_PIXEL": (0, 0, 0)}, r"mean_pixel of its preprocessing is \(0.0, 0.0"),
        ({"IMAGE_CHANNEL_COUNT": 4, "MEAN_PIXEL": (0,) * 4}, "4 channels, .* takes 3"),
    ],
)
def test_batches_of_another_configuration(
    tiny_config, tiny_shapes, batches, fit, settings, said
):
    other = build.batches(configure(tiny_config, **settings), tiny_shapes, steps=1)
    fit(ValueError, f"^train was made for another model: .*{said}", other)
    fit(ValueError, f"^validation was made for another model: .*{said}", batches, other)


def test_a_model_of_mini_masks(tiny_config, batches):
    model = build.model(configure(tiny_config, USE_MINI_MASK=True), precision="float32")
    said = r"masks of the whole image, the model takes mini masks \(USE_MINI_MASK\)"
    with pytest.raises(ValueError, match=said):
        training.fit(model, batches, stages=STAGE, optimizer=keras.optimizers.SGD)


def test_crops_are_whole_images_to_the_model(tiny_config, tiny_shapes):
    config = configure(
        tiny_config, IMAGE_RESIZE_MODE="crop", IMAGE_MIN_DIM=64, IMAGE_MIN_SCALE=2.0
    )
    model = build.model(config, precision="float32")
    with pytest.raises(
        ValueError, match="patience is -1"
    ):  # what comes after the batches
        training.fit(
            model,
            build.batches(config, tiny_shapes, steps=1),
            stages=STAGE,
            optimizer=keras.optimizers.SGD,
            patience=-1,
        )


def test_a_data_set_in_place_of_batches(tiny_shapes, batches, fit):
    way_out = r"ShapesDataset: give build.batches\(config, dataset\)"
    fit(TypeError, f"^train is of the type {way_out}", tiny_shapes)
    fit(TypeError, f"^validation is of the type {way_out}", batches, tiny_shapes)
    fit(TypeError, "^train is of the type NoneType", None)


@pytest.mark.parametrize("steps", [0, -1, 2.5, "3", True])
def test_steps_that_are_none(tiny_config, tiny_shapes, steps):
    said = f"^steps is {steps!r}; it must be None or a whole number"
    with pytest.raises(ValueError, match=said):
        build.batches(tiny_config, tiny_shapes, steps=steps)


def test_steps_of_numpy_and_none(tiny_config, tiny_shapes):
    assert len(build.batches(tiny_config, tiny_shapes, steps=np.int64(4))) == 4
    whole: Batches = build.batches(tiny_config, tiny_shapes)
    assert len(whole) == 3  # six images, two at a time


# --- Stages


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": 1.5}, r"epochs is 1.5; it must be a whole number"),
        ({"epochs": "2"}, "epochs is '2'"),
        ({"epochs": True}, "epochs is True"),
        ({"learning_rate": "1e-3"}, "learning_rate is '1e-3'"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"learning_rate": -0.1}, "learning_rate is -0.1"),
        ({"schedule": "cos"}, "schedule is 'cos'; it must be one of constant, cosine"),
        ({"schedule": None}, "schedule is None"),
        ({"warmup_steps": -3}, "warmup_steps is -3"),
        ({"epochs": 2.5, "schedule": "cos"}, r"2 faults:\n- .*epochs.*\n- .*schedule"),
        ({"layers": "head"}, "No layer is called like 'head'"),
        ({"layers": "mrcnn_("}, "no regular expression"),
    ],
)
def test_every_stage_is_looked_at_before_the_first(fit, changes, said):
    fit(ValueError, said, stages=[STAGE, STAGE._replace(**changes)])


def test_a_fault_names_its_stage(fit):
    fit(ValueError, "^Stage 2: epochs", stages=[STAGE, STAGE._replace(epochs=-1)])


@pytest.mark.parametrize("stages", ["all", [("all", 1, 0.1)], None, 3])
def test_what_is_no_stage(fit, stages):
    fit(TypeError, r"no stage of training: give build.stage", stages=stages)


@pytest.mark.parametrize("epochs", [1.5, "2", -1, None])
def test_build_stage_looks_at_its_epochs(tiny_config, epochs):
    with pytest.raises(ValueError, match=f"^epochs is {epochs!r}; it must be"):
        build.stage(tiny_config, epochs)


def test_a_schedule_beside_a_schedule(fit):
    given = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    said = "ExponentialDecay, a schedule, and there are schedule 'constant' and 5 steps"
    stage = STAGE._replace(learning_rate=given, warmup_steps=5)
    fit(ValueError, said, stages=stage)
    said = r"ReduceLROnPlateau would .* does \(the ExponentialDecay given as"
    alone = STAGE._replace(learning_rate=given)
    fit(ValueError, said, stages=alone, callbacks=K.ReduceLROnPlateau("loss"))


@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
def test_one_stage_alone_and_a_watched_loss(tiny_config, batches):
    model = build.model(tiny_config, precision="float32")
    stopping = K.EarlyStopping("val_mrcnn_class_loss", patience=0)
    history = training.fit(
        *(model, batches, batches),
        stages=build.stage(tiny_config, 2)._replace(learning_rate=0.0),
        optimizer=partial(build.optimizer, tiny_config),
        callbacks=stopping,
        verbose=0,
    )
    assert len(history["loss"]) == 2
    assert stopping.best == min(history["val_mrcnn_class_loss"])


# --- The other arguments


@pytest.mark.parametrize("optimizer", ["sgd", None, keras.optimizers.SGD()])
def test_an_optimizer_in_place_of_what_makes_one(fit, optimizer):
    said = r"^optimizer is .*: give a function that makes one from a learning rate, .*"
    fit(TypeError, said + r"partial\(build.optimizer, config\)", optimizer=optimizer)


@pytest.mark.parametrize("patience", ["1", -1, True, 1.5])
def test_patience_that_is_none(fit, patience):
    fit(ValueError, f"^patience is {patience!r}; it must be None", patience=patience)


def test_a_first_epoch_that_is_none(fit):
    fit(ValueError, "^first_epoch is -1", first_epoch=-1)


def test_a_folder_that_is_a_file(fit, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    for folder in (file, str(file / "deep" / "er")):
        said = f"^folder is {folder}, but {file} is a file: name a folder"
        fit(NotADirectoryError, said, folder=folder)
    fit(TypeError, "^folder is 5: give the path", folder=5)


# --- What callbacks watch


def watch(*callbacks, validated=True):
    settle_watchers(callbacks, validated)
    return callbacks[-1].mode


@pytest.mark.parametrize("name", ["loss", *LOSS_NAMES])
@pytest.mark.parametrize("prefix", ["", "val_"])
def test_losses_are_to_fall(name, prefix):
    assert watch(K.EarlyStopping(prefix + name)) == "min"
    assert watch(K.ReduceLROnPlateau(prefix + name)) == "min"
    assert watch(K.ModelCheckpoint("a.keras", prefix + name, save_best_only=True))
    assert watch(K.EarlyStopping(prefix + name, mode="max")) == "max"  # as was asked


def test_what_nothing_reports(fit, batches):
    said = "^EarlyStopping watches 'val_acc', which training does not report{}: take"
    stopping = K.EarlyStopping("val_acc")
    no = ", because there is no validation"
    fit(ValueError, said.format(no), callbacks=stopping)
    whole = said.format("") + " one of loss, rpn_class_loss.*, val_mrcnn_mask_loss"
    fit(ValueError, whole, batches, batches, callbacks=stopping)
    fit(ValueError, "watches 'val_loss'.*no validation", callbacks=K.EarlyStopping())


def test_numbers_of_a_users_own():
    own = type("Scores", (K.Callback,), {"__module__": "leaves"})()
    for adds in (own, K.LambdaCallback()):
        assert watch(adds, K.EarlyStopping("mAP", mode="max")) == "max"
        with pytest.raises(ValueError, match=r"watches 'mAP': say by mode="):
            watch(adds, K.EarlyStopping("mAP"))
        with pytest.raises(ValueError, match="watches 'mAP', which"):
            watch(K.EarlyStopping("mAP", mode="max"), adds)  # asks too early
    numbered = "{epoch:02d}-{val_loss:.2f}.keras"
    assert watch(K.ModelCheckpoint(numbered, "mAP")) == "auto"
    with pytest.raises(ValueError, match=r"Checkpoint watches 'val_loss'.*no validat"):
        watch(K.ModelCheckpoint(numbered), validated=False)
    every = K.ModelCheckpoint("a.keras", "mAP")  # one an epoch, whatever is reported
    assert watch(every, validated=False) == "auto"


@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
def test_the_learning_rates_name_in_keras_2(tiny_config, batches, capsys):
    class Halve(K.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.lr = 1e-5

    training.fit(
        build.model(tiny_config, precision="float32"),
        batches,
        stages=STAGE._replace(epochs=2),
        optimizer=partial(build.optimizer, tiny_config),
        callbacks=Halve(),
        verbose=0,
    )
    assert capsys.readouterr().out.count("set optimizer.lr, which Keras reads") == 1
