"""The package's own rules: imports go down, units stay small, import is quick, docs have examples.

The rules are read from the source with `ast` and `tokenize`, so that they also cover code which no
test runs. Each failure message says what to do about it.
"""

from __future__ import annotations

import ast
import doctest
import inspect
import io
import re
import subprocess
import sys
import tokenize
import tomllib
import types
from pathlib import Path

import pytest

import treeprune

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "treeprune"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Lower rows may import from higher rows only; units of one row never import each other.
LAYERS = (
    ("exceptions", "files", "modules"),
    ("decision", "trees", "network", "datasets"),
    ("kernels", "training", "tracking"),
    ("native",),
    ("neural", "sizes"),
    ("losses", "intervals"),
    ("objectives", "stages", "verification"),
    ("scoring",),
    ("plots",),
    ("path",),
    ("pruning", "explain"),
    ("selection",),
    ("estimators",),
    ("tree_estimators",),
    ("metrics", "retraining"),
    ("saving",),
    ("report",),
    ("cli",),
    ("__main__",),
)
LEVEL = {unit: level for level, units in enumerate(LAYERS) for unit in units}

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60

HEAVY = ("shap", "lightgbm", "matplotlib", "numba", "skops", "sklearn.ensemble")


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


each_module = pytest.mark.parametrize("path", MODULES, ids=_name)


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


# --- imports go down only ------------------------------------------------------------------------


def _runtime_nodes(tree: ast.AST):
    """Every node that can run: all but `if TYPE_CHECKING:`, which imports nothing."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for other in node.orelse:
                yield other
                yield from _runtime_nodes(other)
            continue
        yield node
        yield from _runtime_nodes(node)


def imported_units(source: str, module: str, is_package: bool) -> set[str]:
    """Units of treeprune ("path", "native", …) that the source of `module` imports anywhere.

    A name taken from the top of the package, which is above everything, is "treeprune.<name>".
    """
    package = module if is_package else module.rpartition(".")[0]
    targets = set()
    for node in _runtime_nodes(ast.parse(source)):
        if isinstance(node, ast.Import):
            targets |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = parts[: len(parts) - node.level + 1] if node.level else []
            base += [node.module] if node.module else []
            targets |= {".".join([*base, alias.name]) for alias in node.names}
    units = set()
    for target in targets:
        first, _, rest = target.partition(".")
        if first != "treeprune":
            continue
        unit = rest.partition(".")[0]
        if unit != "__version__":  # read from the installed metadata, imports nothing
            units.add(unit if unit in LEVEL else f"treeprune.{unit}")
    return units


@pytest.mark.parametrize(
    ("source", "module", "is_package", "units"),
    [
        ("import numpy\nfrom sklearn import tree", "treeprune.path", False, set()),
        ("from . import kernels, native", "treeprune.path", False, {"kernels", "native"}),
        ("from .trees import Trees", "treeprune.path", False, {"trees"}),
        ("def f():\n    from .cli import main", "treeprune.path", False, {"cli"}),
        ("from ..trees import Trees", "treeprune.native.sklearn_trees", False, {"trees"}),
        ("from ..trees import Trees", "treeprune.native", True, {"trees"}),
        ("from . import sklearn_trees", "treeprune.native", True, {"native"}),
        ("from .methods import METHODS", "treeprune.pruning", True, {"pruning"}),
        ("import treeprune.report.text as r", "treeprune.path", False, {"report"}),
        ("from treeprune.report import text", "treeprune.path", False, {"report"}),
        ("from treeprune import prune", "treeprune.path", False, {"treeprune.prune"}),
        ("import treeprune", "treeprune.path", False, {"treeprune."}),
        ("from . import __version__", "treeprune.report", False, set()),
        ("if TYPE_CHECKING:\n    from .path import P", "treeprune.plots", False, set()),
        (
            "if TYPE_CHECKING:\n    pass\nelse:\n    from . import cli",
            "treeprune.p",
            False,
            {"cli"},
        ),
    ],
)
def test_the_reader_of_imports(source, module, is_package, units):
    assert imported_units(source, module, is_package) == units


@each_module
def test_imports_go_down_only(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    module = ".".join(parts[:-1] if is_package else parts)
    if module == "treeprune":
        return  # lists the public names of all of them
    unit = module.split(".")[1]
    assert unit in LEVEL, (
        f"{module} has no place in the order of imports: add {unit!r} to LAYERS, in the row above "
        "the first unit that imports it"
    )
    for target in imported_units(path.read_text(encoding="utf-8"), module, is_package):
        assert target in LEVEL, (
            f"{module} imports {target!r} from the top of the package, which imports everything: "
            "import it from the module that defines it"
        )
        assert target == unit or LEVEL[target] < LEVEL[unit], (
            f"{module} imports {target}, which is not below it: the order is "
            f"{' <- '.join(map(' | '.join, LAYERS))}"
        )


# --- units stay small ----------------------------------------------------------------------------

_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
_DEFS = (ast.FunctionDef, ast.AsyncFunctionDef)


def code_lines(source: str) -> set[int]:
    """Numbers of the lines that hold code: no blank ones, comments or docstrings."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (*_DEFS, ast.ClassDef, ast.Module)) and ast.get_docstring(node):
            docstring = node.body[0]
            lines -= set(range(docstring.lineno, docstring.end_lineno + 1))
    return lines


def test_the_counter_of_lines():
    source = '''"""Doc

string."""

# comment
x = """a

b"""


def f(
    a,
):
    """Doc."""

    return a  # why
'''
    assert sorted(code_lines(source)) == [6, 7, 8, 11, 12, 13, 16]


@each_module
def test_modules_and_functions_are_small(path):
    source = path.read_text(encoding="utf-8")
    lines = code_lines(source)
    assert len(lines) <= MAX_MODULE_LINES, (
        f"{_name(path)} has {len(lines)} lines of code, allowed are {MAX_MODULE_LINES}: "
        "make it a package"
    )
    long = {
        node.name: count
        for node in ast.walk(ast.parse(source))
        if isinstance(node, _DEFS)
        and (count := len(lines & set(range(node.lineno, node.end_lineno + 1))))
        > MAX_FUNCTION_LINES
    }
    assert not long, f"{_name(path)}: functions over {MAX_FUNCTION_LINES} lines of code: {long}"


# --- forbidden habits ----------------------------------------------------------------------------


def test_no_drawer_for_odds_and_ends():
    odd = [_name(p) for p in MODULES if p.stem.strip("_") in {"utils", "util", "helpers", "misc"}]
    assert not odd, f"name the file after the stage its code belongs to: {odd}"


def _named(node: ast.expr | None) -> list[str]:
    """Last names in an expression of classes: a name, an attribute, a tuple or a union."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.Tuple):
        return [name for element in node.elts for name in _named(element)]
    if isinstance(node, ast.BinOp):
        return _named(node.left) + _named(node.right)
    return []


@each_module
def test_no_catch_all(path):
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"{_name(path)}:{node.lineno}: bare except"
            caught = set(_named(node.type)) & {"Exception", "BaseException"}
            assert not caught, f"{_name(path)}:{node.lineno}: name the errors you expect"


_MODEL_CLASS = re.compile(
    r"(Classifier|Regressor|Tree|Forest|Booster|Boosting|Pipeline|ColumnTransformer|Regression)$"
)


@each_module
def test_only_native_asks_what_class_a_model_has(path):
    if _name(path).startswith("native/"):
        return
    for node in ast.walk(_tree(path)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("isinstance", "issubclass")
            and len(node.args) == 2
        ):
            models = [name for name in _named(node.args[1]) if _MODEL_CLASS.search(name)]
            assert not models, (
                f"{_name(path)}:{node.lineno} asks for {models}: ask what the model can do, or "
                "move the question to native/"
            )


# --- importing is quick --------------------------------------------------------------------------


def _run(code: str, *arguments: str) -> float:
    """Processor seconds of a fresh interpreter that runs `code`, its start included."""
    code += "\nimport sys, time\nprint('seconds', time.process_time(), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return float(done.stderr.rsplit("seconds", 1)[1])


_HELP = """
import runpy
import sys
sys.argv = ["treeprune", "--help"]
try:
    runpy.run_module("treeprune", run_name="__main__")
except SystemExit as stop:
    assert not stop.code, stop.code
"""
STARTS = {
    "import treeprune": "import sklearn.tree, pandas, treeprune",
    "treeprune --help": _HELP,
}
each_start = pytest.mark.parametrize("start", STARTS)


@each_start
def test_starting_takes_little_longer_than_scikit_learn_and_pandas(start):
    plain, ours = [], []
    for attempt in range(12):  # taken in turns, so that a busy machine slows both
        plain.append(_run("import sklearn.tree, pandas"))
        ours.append(_run(STARTS[start]))
        if attempt >= 2 and min(ours) <= 1.4 * min(plain):
            break
    assert min(ours) <= 1.4 * min(plain), (
        f"{start}: {min(ours):.2f} s against {min(plain):.2f} s for scikit-learn's tree and "
        "pandas: import what is heavy when it is first needed"
    )


@each_start
def test_starting_loads_nothing_heavy(start):
    only = STARTS[start].replace("sklearn.tree, pandas, ", "")
    check = f"loaded = sorted(set({HEAVY!r}) & set(sys.modules)); assert not loaded, loaded"
    _run(f"{only}\nimport sys\n{check}")


# --- documentation -------------------------------------------------------------------------------


def _public() -> dict[str, object]:
    """Public names with the functions of public modules and the methods of public classes."""
    out: dict[str, object] = {}
    for name in treeprune.__all__:
        thing = getattr(treeprune, name)
        if isinstance(thing, types.ModuleType):
            out.update({f"{name}.{n}": getattr(thing, n) for n in thing.__all__})
        elif inspect.isclass(thing):
            out[name] = thing
            for method, function in inspect.getmembers(thing, inspect.isroutine):
                module = getattr(function, "__module__", None) or ""
                if not method.startswith("_") and module.startswith("treeprune."):
                    out[f"{name}.{method}"] = function
        elif inspect.isroutine(thing):
            out[name] = thing  # a table such as METHODS has a comment beside it
    return out


@pytest.mark.parametrize("name, thing", [pytest.param(*x, id=x[0]) for x in _public().items()])
def test_public_names_have_an_example_that_runs(name, thing):
    if not callable(thing):
        return
    assert thing.__doc__, f"{name} has no docstring"
    assert "Examples\n" in thing.__doc__, f"the docstring of {name} has no section Examples"
    examples = doctest.DocTestParser().get_examples(thing.__doc__)
    assert examples, f"the section Examples of {name} has no >>> lines"
    skipped = [e.source for e in examples if e.options.get(doctest.SKIP)]
    assert not skipped, f"{name}: examples that never run: {skipped}"
    # pytest --doctest-modules runs the examples of what a module of the package defines.
    assert thing.__module__.startswith("treeprune."), f"{name} is defined in {thing.__module__}"


def test_doctests_are_collected():
    options = _project()["tool"]["pytest"]["ini_options"]
    assert "treeprune" in options["testpaths"] and "--doctest-modules" in options["addopts"]


def test_version_is_the_installed_one():
    if treeprune.__version__ == "0+unknown":
        pytest.skip("treeprune runs from a checkout that is not installed")
    assert treeprune.__version__ == _project()["project"]["version"]


# --- packaging -----------------------------------------------------------------------------------


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_dependency_has_a_lower_bound_that_is_tested():
    project = _project()["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    wanted += project["optional-dependencies"]["polars"]
    bounds = {tuple(re.split(r">=|,", requirement)[:2]) for requirement in wanted}
    lines = (ROOT / "constraints-lower.txt").read_text(encoding="utf-8").splitlines()
    tested = {tuple(line.split("==")) for line in lines if line and not line.startswith("#")}
    assert bounds == tested


def test_every_dependency_has_a_reason():
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    requirements = [line.strip() for line in lines if re.match(r'\s+"[a-z0-9-]+[>=<]', line)]
    assert len(requirements) >= len(_project()["project"]["dependencies"])
    silent = [line for line in requirements if not re.search(r'", # \S', line)]
    assert not silent, f"say in a comment what each is for: {silent}"


def test_every_third_party_import_is_declared():
    project = _project()["project"]
    names = {re.split(r"[><=\[]", d)[0] for d in project["dependencies"]}
    for extra in ("polars", "parquet", "fairness"):
        names |= {re.split(r"[><=\[]", d)[0] for d in project["optional-dependencies"][extra]}
    known = {n.replace("-", "_") for n in names} - {"scikit_learn"} | {"sklearn", "treeprune"}
    for path in MODULES:
        for node in ast.walk(_tree(path)):
            targets = []
            if isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                targets = [node.module]
            for target in targets:
                top = target.partition(".")[0]
                assert top in known or top in sys.stdlib_module_names, (
                    f"{_name(path)}:{node.lineno} imports {top}, which pyproject.toml does not list"
                )
