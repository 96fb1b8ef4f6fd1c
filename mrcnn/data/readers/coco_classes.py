"""Which categories of COCO files are classes: the same in all splits of a data set."""

from collections.abc import Sequence

from mrcnn.data.faults import Faults
from mrcnn.data.readers.coco_file import Categories, Id
from mrcnn.data.via_classes import BACKGROUND
from mrcnn.notices import quoted


def shared(
    own: Categories, others: Sequence[Categories], faults: Faults
) -> dict[Id, str]:
    """Return the class of each category of a file and of those of the other splits.

    They come in the order of their ids. A fault is added where splits give one category
    two ids, or two categories one.
    """
    names, groups, used = dict(own.names), dict(own.groups), set(own.used)
    for other in others:
        if any(
            names.get(number) != name
            for number, name in other.names.items()
            if number in names or name in names.values()
        ):
            faults.add(
                f"{own.file} has the categories {quoted(own.names)}, {other.file} "
                f"{quoted(other.names)}: all splits must number their classes alike. "
                "Export them together, or give classes=, the names in one order.",
                grave=True,
            )
            continue
        names |= other.names
        groups = other.groups | groups
        used |= other.used
    if all(isinstance(number, int) for number in names):
        names = dict(sorted(names.items()))
    classes = _classes(Categories(own.file, names, groups, used))
    for number, name in classes.items():
        if name.strip().casefold() in BACKGROUND:
            faults.add(
                f"{own.file}: category {number!r}, {name!r}, has objects and the "
                "background's name: classes= gives it another, or None.",
                grave=True,
            )
    return classes


def _classes(categories: Categories) -> dict[Id, str]:
    """Return the categories without those that no object has and that are no classes.

    Roboflow writes the group of all others as a category; others write a background.
    Any other category without objects stays: another split may have some.
    """
    names, kept = categories.names, {}
    for number, name in names.items():
        others = [g for i, g in categories.groups.items() if names[i] != name]
        idle = bool(others) and all(group == name for group in others)
        none = number not in categories.used
        if none and (idle or name.strip().casefold() in BACKGROUND):
            print(
                f"{categories.file}: category {number!r}, {name!r}, has no object, and "
                "is the group of all others or the background: it is no class."
            )
        else:
            kept[number] = name
    return kept
