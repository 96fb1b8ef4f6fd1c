"""Which class a VIA region is of: the value of one of its attributes."""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mrcnn.data.faults import Faults
from mrcnn.data.regions import Region

Classes = str | Sequence[str] | Mapping[Any, str | None]
"""A class of every region; names; or a name for each value, None leaving it out."""
BACKGROUND = ("bg", "background", "__background__", "_background_")


def class_names(classes: Classes) -> dict[str, str | None]:
    """Return a class name for each value of an attribute, spaces put right.

    Raises ValueError for no class, a name that is none, one that is given twice, and
    the background, which is class 0 of every data set and is not drawn.
    """
    if isinstance(classes, str):
        classes = [classes]
    if not isinstance(classes, Mapping):
        names = list(classes)
        twice = [name for name, count in Counter(map(str, names)).items() if count > 1]
        if twice:
            raise ValueError(f"classes has {', '.join(twice)} more than once.")
        classes = {name: name for name in names}
    named = {tidy(value): name and tidy(name) for value, name in classes.items()}
    if not any(named.values()):
        raise ValueError("classes is empty: give the names of the classes.")
    for name in named.values():
        if name is not None and (not name or name.casefold() in BACKGROUND):
            raise ValueError(
                f"classes has {name!r}: leave out the background, which is class 0 of "
                "every data set, and give names that are not empty."
            )
    return named


def in_order(named: Mapping[str, str | None]) -> list[str]:
    """Return the names of the classes, each once, as they came."""
    return list(dict.fromkeys(filter(None, named.values())))


def tidy(value: Any) -> str:
    """Return text without spaces and line ends around it, and single ones inside."""
    return " ".join(str(value).split())


def value_of(attribute: Any) -> str:
    """Return the value of an attribute as text, "" if there is none.

    Of check boxes, an object such as {"sword": true}, it is the one that is ticked.
    Raises ValueError if several are, or if it is a list.
    """
    if isinstance(attribute, dict):
        ticked = [tidy(key) for key, on in attribute.items() if on and on != "false"]
        if len(ticked) > 1:
            raise ValueError(f"has {len(ticked)} boxes ticked ({', '.join(ticked)})")
        attribute = ticked[0] if ticked else None
    if isinstance(attribute, list):
        raise ValueError(f"holds a list, {attribute!r:.60}")
    return "" if attribute is None else tidy(attribute)


def find_key(regions: Iterable[Region], path: str | Path, key: str | None) -> str:
    """Return the attribute that holds the class; the only one, printed, if not given.

    Raises ValueError, with the attributes and some of their values, if no region has
    it, or if it is not given and there are several or none.
    """
    values: dict[str, Counter[str]] = {}
    for region in regions:
        for name, value in region.attributes.items():
            values.setdefault(name, Counter())[_shown(value)] += 1
    if key in values:
        return key
    if key is None and len(values) == 1:
        (only,) = values
        print(f"{path}: the class is attribute {only!r}, the only one (or class_key=).")
        return only
    there = "; ".join(
        f"{name!r} of {counts.total()} regions, such as "
        + ", ".join(value for value, _ in counts.most_common(3))
        for name, counts in values.items()
    )
    asked = "class_key is not given" if key is None else f"no region has {key!r}"
    raise ValueError(
        f"{path}: {asked}: name the attribute that holds the class as class_key. "
        f"Regions have {there or 'no attributes'}."
    )


def _shown(value: Any) -> str:
    try:
        return repr(value_of(value))
    except ValueError:
        return repr(value)


def choose(
    annotated: Mapping[str, Sequence[Region]],
    named: Mapping[str, str | None],
    key: str,
    faults: Faults,
) -> dict[str, list[tuple[Region, str]]]:
    """Return the regions of every image with the names of their classes.

    Values that `named` lacks are grave faults, one for each with its number of regions
    and the nearest that is known; a region without a value is a fault.
    """
    unknown: dict[str, list[Region]] = {}
    chosen: dict[str, list[tuple[Region, str]]] = {}
    for filename, regions in annotated.items():
        kept = []
        for region in regions:
            try:
                value = value_of(region.attributes.get(key))
                if not value:
                    raise ValueError("has no value")
            except ValueError as error:
                others = {k: v for k, v in region.attributes.items() if k != key}
                hint = f" Others are {others!r:.80}." if others else ""
                faults.add(f"{region.where}: attribute {key!r} {error}.{hint}")
                continue
            if value not in named:
                unknown.setdefault(value, []).append(region)
            elif (name := named[value]) is not None:
                kept.append((region, name))
        if kept or not regions:
            chosen[filename] = kept
    for value, found in unknown.items():
        faults.add(_unknown(value, found, key, named), grave=True)
    return chosen


def _unknown(
    value: str, regions: Sequence[Region], key: str, named: Mapping[str, str | None]
) -> str:
    simple = {name.casefold().replace("_", " "): name for name in named}
    near = difflib.get_close_matches(value.casefold().replace("_", " "), simple, n=1)
    way = repr(simple[near[0]]) if near else "a class, or None to leave these out"
    many = "1 region" if len(regions) == 1 else f"{len(regions)} regions, first"
    return (
        f"{regions[0].where} ({many}): {key!r} is {value!r}, which classes lacks; it "
        f"may be a mapping such as {{{value!r}: {way}}}."
    )
