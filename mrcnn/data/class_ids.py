"""Which ids and names of classes and images are refused, and which are doubtful."""

import numbers
from collections import Counter
from collections.abc import Sequence
from typing import Any

from mrcnn.data.via_classes import BACKGROUND


def check_class(
    source: Any, class_id: Any, name: Any, known: Sequence[dict[str, Any]]
) -> bool:
    """Tell whether a class is new among those `known`, dictionaries as in `class_info`.

    Raises ValueError if `source` is empty or holds a dot, if the id is neither a whole
    number nor text, if the name is no text or that of the background, or if the id is
    already that of another class of the source.
    """
    if not isinstance(source, str) or not source or "." in source:
        raise ValueError(
            f"add_class: source {source!r} must be a text and must not contain a dot."
        )
    if not isinstance(class_id, numbers.Integral | str) or isinstance(class_id, bool):
        raise ValueError(
            f"add_class: the id of {name!r} is {class_id!r}: give a whole number."
        )
    if not isinstance(name, str) or not name.split(",")[0].strip():
        raise ValueError(f"add_class: name {name!r} must be a text.")
    if name.strip().casefold() in BACKGROUND:
        raise ValueError(
            f"add_class: {name!r} is the background, which is class 0 of every data "
            "set without being added: leave this call out, and add what is drawn."
        )
    for info in known:
        if info["source"] != source or str(info["id"]) != str(class_id):
            continue
        if info["name"] == name:
            return False
        raise ValueError(
            f"add_class: class {info['id']} of source {source!r} is already "
            f"{info['name']!r}: give {name!r} an id of its own."
        )
    return True


def doubts(dataset: Any) -> list[str]:
    """Return what a data set may do, but is rarely meant; each a sentence.

    A source may number its classes as it likes, if `load_mask` maps the ids. Where the
    numbers of the only source look like internal ids, that is easily forgotten; the
    readers of formats do not (`maps_ids`).
    """
    class_info, image_info = dataset.class_info, dataset.image_info
    found = []
    infos = list(enumerate(class_info))[1:]
    known = range(len(class_info))
    alike = any(info["id"] != i and info["id"] in known for i, info in infos)
    forgotten = alike and not getattr(dataset, "maps_ids", False)
    if forgotten and len({info["source"] for _, info in infos}) == 1:
        meant = ", ".join(
            f"{i} for {info['name']!r} ({info['id']!r} in add_class)"
            for i, info in infos[:10]
        )
        found.append(
            f"Classes are numbered anew in their order: load_mask must return {meant}. "
            "map_source_class_id does that."
        )
    named = Counter((info["source"], info["name"]) for info in class_info)
    if several := [name for (_, name), count in named.items() if count > 1]:
        found.append(
            f"Several classes are called {several[0]!r}: each is learnt as a class of "
            "its own, and what goes by names knows one of them. To make them one, call "
            "add_class once, and let load_mask return that id for all."
        )
    repeated = Counter(f"{info['source']}.{info['id']}" for info in image_info)
    if twice := [name for name, count in repeated.items() if count > 1]:
        found.append(
            f"{len(twice)} ids are given to several images, such as {twice[0]}: "
            "image_from_source_map knows the last of each."
        )
    return found
