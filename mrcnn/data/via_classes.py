"""Which class a VIA region is of: the value of one of its attributes."""

import difflib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

from mrcnn.data.faults import Faults
from mrcnn.data.regions import Region
from mrcnn.notices import quoted

Classes = str | Sequence[str] | Mapping[Any, str | None]
"""A class of every region; names; or a name for each value, None leaving it out."""
TICKS = (True, False, "true", "false", "")
"""What VIA's check boxes may hold."""
BACKGROUND = ("bg", "background", "__background__", "_background_")


def class_names(classes: Classes) -> dict[str, str | None]:
    """Return a class name for each value of an attribute, spaces put right.

    Raises ValueError for no class, a name that is none, one that is given twice, and
    the background, which is class 0 of every data set and is not drawn; TypeError for
    what is no text.
    """
    named: dict[str, str | None] = {}
    for value, name in _pairs(classes):
        value, name = tidy(value), name and tidy(name)
        if value in named and not (
            isinstance(classes, Mapping) and named[value] == name
        ):
            raise ValueError(f"classes has {value} more than once.")
        named[value] = name
    if not any(named.values()):
        raise ValueError("classes is empty: give the names of the classes.")
    for name in named.values():
        if name is not None and (not name or name.casefold() in BACKGROUND):
            raise ValueError(
                f"classes has {name!r}: leave out the background, which is class 0 of "
                "every data set, and give names that are not empty."
            )
    return named


def _pairs(classes: Any) -> list[tuple[Any, Any]]:
    """Return values and the names of their classes; TypeError if these are none."""
    if isinstance(classes, str):
        classes = [classes]
    if isinstance(classes, Mapping):
        wrong = [
            f"{value!r:.30} to {name!r:.30}"
            for value, name in classes.items()
            if not isinstance(value, str | Real) or not isinstance(name, str | None)
        ]
        if wrong:
            raise TypeError(
                f"classes maps {', '.join(wrong[:5])}: it goes from a value of the "
                "attribute to the name of its class, which is text, or to None, such "
                'as {"cup": "cup", "mug": "cup", "dirt": None}. Ids are given in the '
                "order of the names, from 1 on."
            )
        return list(classes.items())
    if isinstance(classes, bytes | set | frozenset) or not isinstance(
        classes, Iterable
    ):
        raise TypeError(
            f"classes is {classes!r:.60}: give the names of the classes in the order "
            'of their ids, such as ["cup", "plate"], or one name for all regions.'
        )
    names = list(classes)
    if wrong := [f"{name!r:.30}" for name in names if not isinstance(name, str)]:
        raise TypeError(
            f"classes has {', '.join(wrong[:5])}: names are text; a mapping such as "
            '{1: "cup"} gives names to other values.'
        )
    return [(name, name) for name in names]


def in_order(named: Mapping[str, str | None]) -> list[str]:
    """Return the names of the classes, each once, as they came."""
    return list(dict.fromkeys(filter(None, named.values())))


def tidy(value: Any) -> str:
    """Return text without spaces and line ends around it, and single ones inside.

    Letters with accents are one character each, however they were typed (NFC).
    """
    return unicodedata.normalize("NFC", " ".join(str(value).split()))


def value_of(attribute: Any) -> str:
    """Return the value of an attribute as text, "" if there is none.

    Of check boxes, an object such as {"sword": true}, it is the one that is ticked.
    Raises ValueError if several are, or if it is a list or an object of other things.
    """
    if isinstance(attribute, dict):
        if any(on is not None and on not in TICKS for on in attribute.values()):
            raise ValueError(
                f"holds an object that is no check boxes of true and false, "
                f"{attribute!r:.60}"
            )
        ticked = [tidy(key) for key, on in attribute.items() if on and on != "false"]
        if len(ticked) > 1:
            raise ValueError(f"has {len(ticked)} boxes ticked ({', '.join(ticked)})")
        attribute = ticked[0] if ticked else None
    if isinstance(attribute, list):
        raise ValueError(f"holds a list, {attribute!r:.60}")
    return "" if attribute is None else tidy(attribute)


def label(
    annotated: Mapping[str, Sequence[Region]],
    named: Mapping[str, str | None],
    key: str | None,
    faults: Faults,
    *,
    alone: bool,
) -> dict[str, list[tuple[Region, str]]]:
    """Return the regions of every image with the names of their classes.

    If the only name was given `alone`, as text, it is that of every region, and what
    their attributes say is printed; so is one in a list where no region says anything.
    Else see `find_key` and `choose`.
    """
    name = in_order(named)[0]
    values = values_of(region for regions in annotated.values() for region in regions)
    says = any(value != "''" for counts in values.values() for value in counts)
    if key is None and len(named) == 1 and (alone or not says):
        if any(annotated.values()):
            _tell_one(name, values, faults.subject, alone)
        return {f: [(r, name) for r in rs] for f, rs in annotated.items()}
    key = find_key(values, faults.subject, key, name) if any(annotated.values()) else ""
    return choose(annotated, named, key, faults)


def _tell_one(
    name: str, values: Mapping[str, Counter[str]], subject: str, alone: bool
) -> None:
    """Print what the attributes of regions say that all become one class."""
    others = {
        k: counts for k, counts in values.items() if set(counts) - {repr(name), "''"}
    }
    if others:
        print(
            f"{subject}: all regions are {name!r}, whatever they say: "
            f"{_counted(others)}. A list of names, and class_key=, keep them apart."
        )
    elif not alone:
        print(f"{subject}: regions say nothing of their class: all are {name!r}.")


def values_of(regions: Iterable[Region]) -> dict[str, Counter[str]]:
    """Return how often each attribute has each value, as it is written in messages."""
    values: dict[str, Counter[str]] = {}
    for region in regions:
        for name, value in region.attributes.items():
            values.setdefault(name, Counter())[_shown(value)] += 1
    return values


def _counted(values: Mapping[str, Counter[str]]) -> str:
    """Return attributes with how many regions have each of their commonest values."""
    return "; ".join(
        f"{name!r} is "
        + ", ".join(f"{value} of {count}" for value, count in counts.most_common(5))
        + (f" and {len(counts) - 5} other values" if len(counts) > 5 else "")
        for name, counts in values.items()
    )


def find_key(
    values: Mapping[str, Counter[str]], path: str | Path, key: str | None, name: str
) -> str:
    """Return the attribute that holds the class; the only one, printed, if not given.

    Args:
        values: see `values_of`.
        path: of the annotations, for messages.
        key: what the user calls the attribute; None if he does not.
        name: of the first class, for messages.

    Raises ValueError, with the attributes and some of their values, if no region has
    it, or if it is not given and there are several or none.
    """
    if key is None and len(values) == 1:
        (only,) = values
        print(f"{path}: the class is attribute {only!r}, the only one (or class_key=).")
        return only
    same = [there for there in values if key is not None and tidy(there) == tidy(key)]
    if key in values or len(same) == 1:
        return key if key in values else same[0]
    asked = "class_key is not given" if key is None else f"no region has {key!r}"
    if not values:
        raise ValueError(
            f"{path}: {asked}. Regions have no attributes that could hold a class: add "
            "one in VIA, or, if all are of one class, give its name as text, such as "
            f"classes={name!r}, without class_key."
        )
    there = "; ".join(
        f"{name!r} of {counts.total()} regions, such as "
        + ", ".join(value for value, _ in counts.most_common(3))
        for name, counts in values.items()
    )
    raise ValueError(
        f"{path}: {asked}: name the attribute that holds the class as class_key. "
        f"Regions have {there}."
    )


def _shown(value: Any) -> str:
    try:
        return quoted(value_of(value))
    except ValueError:
        return quoted(value)


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
