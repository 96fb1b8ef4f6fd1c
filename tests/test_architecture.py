"""The rules of CONTRIBUTING.md that a machine can hold us to."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "mrcnn").rglob("*.py"))
SCRIPTS = sorted([*(ROOT / "book").glob("*.py"), *(ROOT / ".ci").glob("*.py")])
TESTS = sorted((ROOT / "tests").rglob("*.py"))
CONFIG_READERS = {"build.py", "config.py", "presets.py"}
# They take a whole Config as an argument, as Matterport's functions do.
CONFIG_READERS |= {"matterport"}
# It looks over a Config for it.
CONFIG_READERS |= {"checks"}
# TensorFlow by name: where a kernel is chosen, the hardware asked, resources freed, or
# its own formats written.
TENSORFLOW_USERS = {"feed.py", "ops", "hardware.py", "benchmarks", "formats"}
# Their meaning is Keras', and their documentation too.
KERAS_HOOKS = re.compile(
    r"build|call|compute_(loss|output_shape|metrics)|get_config|from_config|"
    r"(train|test|predict)_step|on_(epoch|train|test|predict)\w*|__\w+__"
)
Function = ast.FunctionDef | ast.AsyncFunctionDef

each_module = pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: str(path.relative_to(ROOT))
)


def tree(path: Path) -> ast.Module:
    """Parse a file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(path: Path) -> Iterator[Function]:
    """Yield every function of a file, methods and inner ones too."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def code_lines(node: Function) -> int:
    """Count a function's lines without its docstring."""
    documented = ast.get_docstring(node) is not None
    first = node.body[0]
    docstring = first.end_lineno - first.lineno + 1 if documented else 0
    return node.end_lineno - node.lineno + 1 - docstring


def public(body: list[ast.stmt], owner: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield the public classes, functions and methods, with dotted names."""
    for node in body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        yield owner + node.name, node
        if isinstance(node, ast.ClassDef):
            yield from public(node.body, f"{owner}{node.name}.")


def test_imports_go_down_the_layers():
    # In a process of its own: import-linter reconfigures logging for everybody.
    tool = Path(sys.executable).with_name("lint-imports")
    command = [str(tool), "--no-cache", "--config", "pyproject.toml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_the_package_loads_no_backend():
    code = (
        "import sys, mrcnn; heavy = {'keras', 'tensorflow', 'numpy', 'matplotlib'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "set_before", "expected"),
    [
        ("TF_ENABLE_ONEDNN_OPTS", None, "1"),
        ("TF_ENABLE_ONEDNN_OPTS", "0", "0"),
        ("OMP_WAIT_POLICY", None, "PASSIVE"),
        ("OMP_WAIT_POLICY", "ACTIVE", "ACTIVE"),
    ],
)
def test_backends_are_told_what_makes_them_faster(name, set_before, expected):
    """Before they are loaded, and unless the user has told them otherwise."""
    environment = {key: value for key, value in os.environ.items() if key != name}
    if set_before is not None:
        environment[name] = set_before
    program = f"import os, mrcnn; print(os.environ['{name}'])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == expected


@pytest.mark.parametrize(
    "path", [*MODULES, *SCRIPTS, *TESTS], ids=lambda path: str(path.relative_to(ROOT))
)
def test_files_and_functions_are_short(path):
    assert len(path.read_text().splitlines()) <= (500 if path in TESTS else 300)
    long = [f"{f.name}: {code_lines(f)}" for f in functions(path) if code_lines(f) > 60]
    assert not long


def test_nine_functions_in_ten_have_at_most_35_lines():
    lengths = sorted(code_lines(f) for path in MODULES for f in functions(path))
    assert lengths[int(0.9 * len(lengths))] <= 35


@each_module
def test_public_names_are_documented_and_annotated(path):
    module = tree(path)
    assert ast.get_docstring(module), "the module has no docstring"
    undocumented = [
        name
        for name, node in public(module.body)
        if not ast.get_docstring(node) and not KERAS_HOOKS.fullmatch(node.name)
    ]
    assert not undocumented
    unannotated = [
        name
        for name, node in public(module.body)
        if isinstance(node, Function) and not annotated(node)
    ]
    assert not unannotated


def annotated(node: Function) -> bool:
    """Say whether the result and all arguments but self and cls have annotations."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    arguments += [extra for extra in (node.args.vararg, node.args.kwarg) if extra]
    named = [argument for argument in arguments if argument.arg not in {"self", "cls"}]
    return node.returns is not None and all(a.annotation for a in named)


@each_module
def test_only_build_reads_a_configuration(path):
    if CONFIG_READERS & set(path.relative_to(ROOT / "mrcnn").parts):
        pytest.skip("a reader of Config")
    reads = [
        f"line {node.lineno}: {node.value.id}.{node.attr}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in {"config", "cfg"}
        and node.attr.isupper()
    ]
    assert not reads


@each_module
def test_code_stays_safe_and_backend_neutral(path):
    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {
        node.module.split(".")[0]
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    assert not imported & {"pickle", "dill", "joblib", "shelve"}
    inside = set(path.relative_to(ROOT / "mrcnn").parts)
    assert "tensorflow" not in imported or inside & TENSORFLOW_USERS
    called = {
        node.func.attr
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not called & {"load_model", "Lambda"}


def test_no_notes_to_self_and_no_paths_of_one_machine():
    note = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    path = re.compile(r"""["'\s(](/home/|/[r]oot/|/Users/|/tmp/|/work/|[A-Z]:\\)\w""")
    kinds = ("*.md", "*.toml", "*.yml", "*.cff", "*.txt", "book/*.md", "Makefile")
    text = [file for kind in kinds for file in ROOT.glob(kind)]
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in [*MODULES, *SCRIPTS, *TESTS, *text]
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if note.search(line) or path.search(line)
    ]
    assert not found
