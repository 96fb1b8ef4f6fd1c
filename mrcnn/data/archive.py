"""Unpacking a zip archive without trusting it."""

import errno
import lzma
import os
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from mrcnn.files import locked, sha256

MARKER = ".archive.sha256"
"""File in an extracted folder: the SHA-256 of its archive, then those of its files."""
MAX_BYTES = 2 * 1024**3
"""Largest sum of the unpacked files; far above any set that this package ships."""
MAX_FILES = 100_000
ENCRYPTED = 0x1
"""Bit of a member's flags (APPNOTE.TXT 4.4.4)."""
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,  # a compression that does not exist
    UnicodeDecodeError,
    struct.error,
    OSError,  # bz2, without an `errno`; EINVAL for a place before the beginning
)
"""What a damaged archive may raise."""


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
    it came from another one and nobody touched its files since, it is replaced.

    Raises FileNotFoundError if the archive is missing, FileExistsError if `folder` has
    files that no archive put there or that were changed, and ValueError if the archive
    is corrupt, larger than `max_bytes` unpacked, encrypted, or has a member that is not
    a plain file or would lie outside `folder`.
    """
    zip_path = Path(zip_path)
    place = Path(os.path.realpath(folder))  # a link stays one
    if not zip_path.is_file():
        raise FileNotFoundError(f"archive {zip_path} is missing: restore or fetch it.")
    digest = sha256(zip_path)
    if _source(place) != digest:
        with locked(place):
            if _source(place) != digest:  # nor has another process unpacked it now
                _refuse_to_delete(place, zip_path)
                _replace(place, zip_path, digest, root, max_bytes)
    return Path(folder)


def _source(folder: Path) -> str | None:
    """Return the SHA-256 of the archive that a folder came from; None if of none."""
    marker = folder / MARKER
    return marker.read_text(encoding="utf-8")[:64] if marker.is_file() else None


def _refuse_to_delete(folder: Path, zip_path: Path) -> None:
    """Raise FileExistsError if a folder holds what its archive did not put there."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise FileExistsError(f"{folder} is no folder: move it away.")
    marker = folder / MARKER
    if marker.is_file():
        lines = marker.read_text(encoding="utf-8").split("\n")[1:]
        known = {line[66:]: line[:64] for line in lines}
        found = (p for p in folder.rglob("*") if p.is_symlink() or not p.is_dir())
        own = [p for p in found if p != marker and not _is_known(p, folder, known)]
    else:
        own = list(folder.iterdir())
    if own:
        names = sorted(path.relative_to(folder).as_posix() for path in own)
        first = ", ".join(names[:3]) + (" and so on" if len(names) > 3 else "")
        raise FileExistsError(
            f"{folder} holds {len(own)} files that did not come from an archive, or "
            f"were changed since: {first}. Move them away, or choose another folder "
            f"for {zip_path.name}."
        )


def _is_known(path: Path, folder: Path, known: dict[str, str]) -> bool:
    """Return whether a file is as its archive had it."""
    digest = known.get(path.relative_to(folder).as_posix())
    plain = digest and path.is_file() and not path.is_symlink()
    return bool(plain) and sha256(path) == digest


def _replace(
    folder: Path, zip_path: Path, digest: str, root: str, max_bytes: int
) -> None:
    """Unpack beside a folder, and put the result into its place."""
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    fresh, old = scratch / "fresh", scratch / "old"
    try:
        _unpack(zip_path, fresh, root, max_bytes)
        files = sorted(path for path in fresh.rglob("*") if path.is_file())
        lines = [f"{sha256(f)}  {f.relative_to(fresh).as_posix()}" for f in files]
        marker = "\n".join([digest, *lines]) + "\n"
        (fresh / MARKER).write_text(marker, encoding="utf-8")
        if folder.exists():
            fresh.chmod(stat.S_IMODE(folder.stat().st_mode))
            folder.rename(old)
        try:
            fresh.rename(folder)
        except BaseException:
            if old.exists():
                old.rename(folder)
            raise
    finally:
        if folder.exists() or not old.exists():  # else it holds the only copy
            shutil.rmtree(scratch, ignore_errors=True)


def _unpack(zip_path: Path, folder: Path, root: str, max_bytes: int) -> None:
    """Check every member of the archive, then write those below `root`."""
    try:
        with zipfile.ZipFile(zip_path) as archive:
            members = archive.infolist()
            _check_size(zip_path, members, max_bytes)
            paths = [_checked_path(zip_path, member) for member in members]
            _check_names(zip_path, members, paths)
            folder.mkdir()
            for member, path in zip(members, paths, strict=True):
                if path.is_relative_to(root) and not member.is_dir():
                    target = folder / path.relative_to(root)
                    # None above it: were it taken away meanwhile, half would be lost.
                    for parent in reversed(path.relative_to(root).parents):
                        (folder / parent).mkdir(exist_ok=True)
                    with archive.open(member) as source, open(target, "wb") as sink:
                        shutil.copyfileobj(source, sink)
    except DAMAGED as error:
        if getattr(error, "errno", None) not in (None, errno.EINVAL):
            error.filename = error.filename or str(folder)  # a full disk names none
            raise  # of the disk
        raise ValueError(
            f"archive {zip_path} is corrupt ({error}): delete it and restore or fetch "
            "it again."
        ) from error


def _check_names(
    zip_path: Path, members: list[zipfile.ZipInfo], paths: list[PurePosixPath]
) -> None:
    """Refuse two members of one name, and a file that is a folder of another too."""
    if len({str(path).lower() for path in paths}) != len(paths):
        raise ValueError(f"{zip_path} holds two members of the same name.")
    folders = {parent for path in paths for parent in path.parents}
    for member, path in zip(members, paths, strict=True):
        if path in folders and not member.is_dir():
            raise ValueError(
                f"{zip_path}: refused, {str(path)!r} is a file and a folder."
            )


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
    elif any(ord(c) < 32 for c in name):
        reason = "has a line break or the like in its name"
    elif member.flag_bits & ENCRYPTED:
        reason = "is encrypted"
    else:
        return path
    raise ValueError(f"{zip_path}: refused, because its member {name!r} {reason}.")
