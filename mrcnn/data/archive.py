"""Unpacking a zip archive without trusting it."""

import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from mrcnn.files import sha256

MARKER = ".archive.sha256"
"""File in an extracted folder that holds the SHA-256 of its archive."""
MAX_BYTES = 2 * 1024**3
"""Largest sum of the unpacked files; far above any set that this package ships."""
MAX_FILES = 100_000
ENCRYPTED = 0x1
"""Bit of a member's flags (APPNOTE.TXT 4.4.4)."""


def extract(
    zip_path: str | Path,
    folder: str | Path,
    *,
    root: str = "",
    max_bytes: int = MAX_BYTES,
) -> Path:
    """Unpack an archive so that `folder` holds its files, and return `folder`.

    With `root`, only what the archive has below that folder is unpacked, without it.
    All or nothing: files go to a folder beside `folder`, which is renamed when every
    CRC has been checked. If `folder` came from this same archive, nothing is done; if
    it came from another one, it is replaced.

    Raises FileNotFoundError if the archive is missing, FileExistsError if `folder` has
    files that no archive put there, and ValueError if the archive is corrupt, larger
    than `max_bytes` unpacked, encrypted, or has a member that is not a plain file or
    would lie outside `folder`.
    """
    zip_path, folder = Path(zip_path), Path(folder)
    if not zip_path.is_file():
        raise FileNotFoundError(f"archive {zip_path} is missing: restore or fetch it.")
    digest = sha256(zip_path)
    marker = folder / MARKER
    if marker.is_file() and marker.read_text() == digest:
        return folder
    if folder.exists() and not marker.is_file() and any(folder.iterdir()):
        raise FileExistsError(
            f"{folder} holds files that did not come from an archive: move them away "
            f"or choose another folder for {zip_path.name}."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        fresh = scratch / "fresh"
        _unpack(zip_path, fresh, root, max_bytes)
        (fresh / MARKER).write_text(digest)
        if folder.exists():
            folder.rename(scratch / "old")
        fresh.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _unpack(zip_path: Path, folder: Path, root: str, max_bytes: int) -> None:
    """Check every member of the archive, then write those below `root`."""
    try:
        with zipfile.ZipFile(zip_path) as archive:
            members = archive.infolist()
            _check_size(zip_path, members, max_bytes)
            paths = [_checked_path(zip_path, member) for member in members]
            if len({str(path).lower() for path in paths}) != len(paths):
                raise ValueError(f"{zip_path} holds two members of the same name.")
            folder.mkdir()
            for member, path in zip(members, paths, strict=True):
                if path.is_relative_to(root) and not member.is_dir():
                    target = folder / path.relative_to(root)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(member) as source, open(target, "wb") as sink:
                        shutil.copyfileobj(source, sink)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ValueError(
            f"archive {zip_path} is corrupt ({error}): delete it and restore or fetch "
            "it again."
        ) from error


def _check_size(zip_path: Path, members: list[zipfile.ZipInfo], max_bytes: int) -> None:
    """Refuse what would fill the disk; zipfile never writes more than is declared."""
    total = sum(member.file_size for member in members)
    if total > max_bytes or len(members) > MAX_FILES:
        raise ValueError(
            f"{zip_path} would unpack to {total} bytes in {len(members)} files, more "
            f"than {max_bytes} bytes or {MAX_FILES} files. Unpack it by hand if you "
            "trust it."
        )


def _checked_path(zip_path: Path, member: zipfile.ZipInfo) -> PurePosixPath:
    """Return where a member goes below the folder; ValueError if it is not safe."""
    name = member.orig_filename  # zipfile cuts `filename` at a null character.
    path = PurePosixPath(name)
    kind = stat.S_IFMT(member.external_attr >> 16)  # 0 where not made on Unix.
    if path.is_absolute() or ".." in path.parts or any(c in name for c in "\\:\0"):
        reason = "would lie outside the folder"
    elif kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        reason = "is a link or a device"
    elif member.flag_bits & ENCRYPTED:
        reason = "is encrypted"
    else:
        return path
    raise ValueError(f"{zip_path}: refused, because its member {name!r} {reason}.")
