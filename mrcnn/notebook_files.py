"""Files that come into a notebook, and what it gives back: archives, uploads, folders.

In Colab pictures lie on the user's own computer or in Google Drive, and all that a
notebook makes there goes with the machine.
"""

import shutil
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from mrcnn.data.archive import extract
from mrcnn.files import atomic_path
from mrcnn.notices import quoted

UPLOAD = "upload"
"""What stands in a form in place of a path, to be asked for files in Colab."""
DRIVE = "/content/drive"
"""Where Colab has Google Drive."""
WAYS = (
    "give the path of a folder, a file or a zip archive, or in Colab the word "
    f'"{UPLOAD}"'
)
LITTER = "__MACOSX"
"""What one system's archives hold beside the files that were meant."""


def in_colab() -> bool:
    """Tell whether the notebook runs there."""
    return "google.colab" in sys.modules


def open_drive(*paths: str) -> None:
    """Connect Google Drive, if one of these paths lies there and this is Colab."""
    if in_colab() and any(path.startswith(DRIVE) for path in paths):
        from google.colab import drive

        drive.mount(DRIVE)


def bring(where: str, folder: str | Path, name: str) -> Path:
    """Return where the files are that a form names.

    Args:
        where: a folder or file, which is taken as it is; a zip archive, which is
            unpacked; or `UPLOAD`, for which Colab asks the user for an archive or
            several files.
        folder: to unpack to, and for what is uploaded.
        name: of the field in the form.

    Raises:
        FileNotFoundError: there is nothing, or nothing was uploaded.
        ValueError: an upload is asked for elsewhere; or as `extract`.
        FileExistsError: as `extract`.
    """
    where, folder = where.strip(), Path(folder)
    if where.lower() == UPLOAD:
        place = _uploaded(folder, name)
    elif not where or not (place := Path(where).expanduser()).exists():
        raise FileNotFoundError(f"{name} is {quoted(where)}, where nothing is: {WAYS}.")
    if place.is_file() and zipfile.is_zipfile(place):
        folder.parent.mkdir(parents=True, exist_ok=True)
        return _inner(extract(place, folder))
    if place.suffix.lower() == ".zip" and place.is_file():
        raise ValueError(f"{name} is {place}, which is no zip archive: {WAYS}.")
    return place


def _uploaded(folder: Path, name: str) -> Path:
    """Return the file that was uploaded, or the folder of several."""
    if not in_colab():
        raise ValueError(f'{name} is "{UPLOAD}", which only Colab can do: {WAYS}.')
    from google.colab import files

    print(f"{name}: choose a zip archive, or several files, on your computer.")
    contents: dict[str, bytes] = files.upload()
    if not contents:
        raise FileNotFoundError(f"{name}: nothing was uploaded; run the cell again.")
    into = folder.with_name(f"{folder.name}_uploaded")
    shutil.rmtree(into, ignore_errors=True)  # of an earlier upload
    for file, content in contents.items():
        with atomic_path(into / Path(file).name) as temporary:
            temporary.write_bytes(content)
    single = len(contents) == 1
    return into / Path(next(iter(contents))).name if single else into


def _inner(folder: Path) -> Path:
    """Return the folder that an archive is about: below those that are alone."""
    while True:
        inside = [p for p in folder.iterdir() if p.name[0] != "." and p.name != LITTER]
        if len(inside) != 1 or not inside[0].is_dir():
            return folder
        folder = inside[0]


def pack(archive: str | Path, folder: str | Path, names: Iterable[str]) -> Path:
    """Write some files and folders of a folder to a zip archive, and return its path.

    Hidden files stay out. In the archive everything is below a folder of its name.

    Raises FileNotFoundError, naming what is not there.
    """
    archive, folder = Path(archive), Path(folder)
    with (
        atomic_path(archive) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for item in (folder / name for name in names):
            if not item.exists():
                raise FileNotFoundError(f"{item} is missing: run the cells before.")
            files = sorted(item.rglob("*")) if item.is_dir() else [item]
            for file in files:
                inside = file.relative_to(folder)
                if file.is_file() and not any(p[0] == "." for p in inside.parts):
                    packed.write(file, archive.stem / inside)
    return archive


def hand_over(file: str | Path) -> None:
    """Give a file to the user: in Colab as a download, else say where it is."""
    file = Path(file)
    size = f"{file.stat().st_size / 1e6:.1f} MB"
    print(f"{file.name}, {size}, is in {file.parent}")
    if in_colab():
        from google.colab import files

        files.download(str(file))
