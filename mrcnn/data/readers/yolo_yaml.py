"""The `data.yaml` of a YOLO set: nothing in it is executed or referred to."""

from pathlib import Path
from typing import Any

import yaml

from mrcnn.data.readers import fields
from mrcnn.notices import quoted


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, without references and with each key once."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has references (*), which are not followed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        content = super().construct_mapping(node, deep)
        if len(content) < len(node.value):
            raise yaml.YAMLError("it writes a key twice")
        return content


def read_yaml(file: Path) -> dict[str, Any]:
    """Return what a YAML file holds; nothing in it is executed or referred to."""
    try:
        content = yaml.load(file.read_text("utf-8"), _Loader)
    except Exception as error:  # PyYAML raises errors of many kinds.
        why = " ".join(str(error).split())
        raise ValueError(f"{file} is not YAML that can be read: {why}.") from None
    if not isinstance(content, dict):
        raise ValueError(f"{file} holds {quoted(content)}: expected names and splits.")
    return content


def class_names(content: dict[str, Any], file: Path) -> list[str]:
    """Return the classes in the order of their numbers, from 0 on."""
    where = f"{file}: field 'names'"
    names = content.get("names")
    if isinstance(names, dict):
        numbers = {fields.whole(k, f"{where}: number", 0): v for k, v in names.items()}
        if sorted(numbers) != list(range(len(names))):
            raise ValueError(
                f"{where} has the numbers {quoted(sorted(numbers))}: count from 0 on, "
                "without gaps."
            )
        names = [numbers[i] for i in range(len(names))]
    if not isinstance(names, list) or not names:
        raise ValueError(
            f"{where} is {quoted(names)}: expected the names of the classes, as a list "
            "or by number from 0 on."
        )
    # `on` and `no` are true and false to YAML; nobody would know them again.
    texts = [str(n) if type(n) in (int, float) else n for n in names]
    found = [fields.label(n, f"{where}: class {i}") for i, n in enumerate(texts)]
    if len(set(found)) < len(found):
        twice = next(name for name in found if found.count(name) > 1)
        raise ValueError(f"{where} has {twice!r} twice: give each class its own name.")
    if content.get("nc") is not None:
        count = fields.whole(content["nc"], f"{file}: field 'nc'")
        if count != len(found):
            raise ValueError(f"{file}: field 'nc' is {count}, but names {len(found)}.")
    return found
