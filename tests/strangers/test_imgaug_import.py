"""`import imgaug` works after any import of the package, and leaves all else alone."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

IMPORTS = {
    "package": "import mrcnn",
    "model": "import mrcnn.model as modellib",
    "config": "from mrcnn.config import Config",
}
USES = {
    "package": "import imgaug; iaa = imgaug.augmenters",
    "module": "import imgaug.augmenters as iaa",
    "from": "from imgaug import augmenters as iaa",
}
CHECK = """
import numpy as np
image = iaa.Affine(rotate=20)(image=np.zeros((32, 32, 3), np.uint8))
assert image.shape == (32, 32, 3)
assert not hasattr(np, "sctypes") and not hasattr(np, "complex")
"""


PAGE = Path(__file__).resolve().parents[2] / "book" / "augmentations.md"


def run(code):
    """Run a program of its own, in which warnings of ours are errors."""
    return subprocess.run(
        [sys.executable, "-W", "error:::mrcnn", "-c", code],
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("how", IMPORTS)
def test_imgaug_can_be_imported_afterwards(how):
    done = run(f"{IMPORTS[how]}\n{USES['module']}\n{CHECK}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("how", USES)
def test_whichever_way_it_is_written(how):
    done = run(f"import mrcnn\n{USES[how]}\n{CHECK}")
    assert done.returncode == 0, done.stderr


def test_the_code_of_the_page_runs():
    code = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.M)[0]
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_both_can_be_loaded_again():
    code = """
import importlib, sys, mrcnn, imgaug
importlib.reload(mrcnn)
importlib.reload(imgaug)
finders = [f for f in sys.meta_path if type(f).__name__ == "ImgaugFinder"]
assert len(finders) == 1
import numpy as np
from imgaug import augmenters as iaa
shifts = iaa.ElasticTransformation(alpha=50)(image=np.zeros((32, 32, 3), np.uint8))
assert not hasattr(np, "sctypes")
"""
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_nothing_is_loaded_that_nobody_imports():
    code = "import sys, mrcnn; assert not {'imgaug', 'numpy', 'cv2'} & set(sys.modules)"
    assert run(code).returncode == 0


def test_an_import_that_failed_before_can_be_repeated():
    code = """
try:
    import imgaug
except AttributeError as error:
    assert "sctypes" in str(error)
import mrcnn
import imgaug
"""
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_without_imgaug_the_error_is_the_ordinary_one():
    code = """
import sys, importlib.util, mrcnn
sys.meta_path[1:] = [f for f in sys.meta_path[1:] if "Path" not in str(f)]
assert importlib.util.find_spec("imgaug") is None
try:
    import imgaug
except ModuleNotFoundError as error:
    assert str(error) == "No module named 'imgaug'" and error.name == "imgaug"
else:
    sys.exit("imported")
"""
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_another_version_is_left_alone(tmp_path):
    package = tmp_path / "imgaug"
    package.mkdir()
    (package / "__init__.py").write_text("__version__ = '0.2.5'")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import mrcnn, imgaug; "
        "assert imgaug.__version__ == '0.2.5'"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr
