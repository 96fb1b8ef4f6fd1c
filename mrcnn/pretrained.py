"""Which weights a notebook starts from: the user's, its own, or those shipped."""

from pathlib import Path

from mrcnn.files import sha256

FOLDER = Path(__file__).parent / "checkpoints"
CHECKSUMS = FOLDER / "SHA256SUMS"


def shipped(name: str) -> Path | None:
    """Return the checkpoint that comes with the package, None if it has none.

    Args:
        name: "shapes" or "balloon", for the compact network.

    Raises:
        ValueError: if the file is not the one that was shipped.
    """
    path = FOLDER / f"{name}.h5"
    if not path.is_file():
        return None
    sums = dict(line.split()[::-1] for line in CHECKSUMS.read_text().splitlines())
    if sha256(path) != sums.get(path.name):
        raise ValueError(
            f"{path} does not match {CHECKSUMS.name}: it is damaged or was replaced. "
            "Restore it from the repository, or name your own file."
        )
    return path


def find(
    choice: str, name: str, trained: str | Path | None = None
) -> tuple[Path | None, str]:
    """Return the weights to use and a sentence that says which they are.

    Args:
        choice: a path; "auto" for what was trained here, else what was shipped; "none"
            to start from random weights.
        name: of the shipped checkpoint.
        trained: where a training of the same profile leaves its weights; None where
            what was shipped is better than these.

    Raises:
        FileNotFoundError: if `choice` is a path and there is no such file.
    """
    if choice == "none":
        return None, "Starting from random weights."
    if choice != "auto":
        if not Path(choice).is_file():
            raise FileNotFoundError(
                f"WEIGHTS is {choice!r}, but there is no such file; take a path, "
                '"auto" or "none".'
            )
        return Path(choice), f"Weights: {choice}, as asked for."
    if trained is not None and Path(trained).is_file():
        return Path(trained), f"Weights: {Path(trained).name}, trained by this suite."
    if path := shipped(name):
        return path, f"Weights: {path.name}, shipped with the package."
    return None, "No weights at hand: starting from random ones."
