"""The layers of docs/architecture.md: imports go downward, no cycles, heavy ones on first use."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "plait"

LAYERS = {
    "types": 0,
    "maps": -1,
    "errors": 0,
    "progress": 0,
    "memory": 0,
    "writing": 0,
    "config": 1,
    "store": 1,
    "layers": 0,
    "chance": -1,
    "attention": 1,
    "losses": 1,
    "subwords": 1,
    "decoding": 2,
    "drawing": 2,
    "provenance": 2,
    "contrastive": 1,
    "constraints": 1,
    "metrics": 1,
    "data": 1,
    "grammar": 2,
    "hosted": 2,
    "encoders": 3,
    "fusion": 3,
    "tasks": 4,
    "diffusion": 4,
    "network": 5,
    "catalog": 5,
    "precision": 5,
    "cache": 6,
    "embedding": 6,
    "train": 7,
    "evaluate": 7,
    "explain": 7,
    "ensemble": 8,
    "doctor": 8,
    "parts": 9,
    "card": 9,
    "folder": 9,
    "model": 9,
    "transfer": 9,
    "fitting": 9,
    "student": 9,
    "beside": 9,
    "distillation": 9,
    "recommendation": 10,
    "vectors": 10,
    "grouping": 9,
    "spaces": 11,
    "open_vocabulary": 12,
    "pairs": 12,
    "making": 10,
    "segmenter": 12,
    "writer": 12,
    "drawer": 12,
    "datasets": 10,
    "report": 10,
    "search": 12,
    "scenes": 12,
    "estimators": 10,
    "loading": 13,
    "learning": 13,
    "quickstart": 12,
    "commands": 14,
    "cli": 15,
    "__main__": 16,
    "__init__": 15,
}
"""A file or folder at the top of the package, and its layer."""

COMMANDS = (
    "adapt",
    "ask",
    "check",
    "draw",
    "drawing",
    "learn",
    "models",
    "options",
    "pairs",
    "recommend",
    "regions",
    "search",
    "segment",
    "spaces",
    "spaces_judged",
    "vectors",
    "write",
)

HEAVY = {
    "cv2": {
        "encoders/classical_image.py",
        "encoders/classical_video.py",
        "encoders/histograms.py",
        "encoders/visual_words.py",
        "encoders/pictures.py",
    },
    "accelerate": set(),
    "av": set(),
    "soundfile": set(),
    "diffusers": set(),
    "httpx2": set(),
    "jsonschema": set(),
    "lancedb": set(),
    "lightgbm": set(),
    "llguidance": set(),
    "matplotlib": set(),
    "nncf": set(),
    "openvino": set(),
    "optuna": set(),
    "pandas": {"estimators.py"},
    "rich": {"report/drawn.py", "report/segmented.py", "report/tables.py", "report/written.py"},
    "sklearn": {"estimators.py"},
    "safetensors": set(),
    "charset_normalizer": set(),
    "threadpoolctl": set(),
    "huggingface_hub": set(),
    "transformers": {"tasks/prompt_state.py"},
    "usearch": set(),
    "typer": {"cli.py", *(f"commands/{name}.py" for name in COMMANDS)},
}
"""Libraries that may be imported at the top of the named files only; elsewhere on first use."""

FILES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))


def place(name: str) -> str:
    """Return the entry of LAYERS that a file or module belongs to."""
    return name.removesuffix(".py").split("/")[0]


def imports(file: str, top_only: bool = False) -> Iterator[str]:
    """Yield the modules that a file imports, except those for type checking alone."""
    tree = ast.parse((SOURCE / file).read_text(encoding="utf-8"))
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if top_only and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "plait":
                yield from (
                    f"plait.{alias.name}" for alias in node.names if alias.name != "__version__"
                )
            else:
                yield node.module
        pending.extend(ast.iter_child_nodes(node))


def inside(file: str) -> list[str]:
    """Return the plait files that a file imports, also inside functions."""
    found = []
    for module in imports(file):
        if module.startswith("plait."):
            path = module.removeprefix("plait.").replace(".", "/")
            found.append(f"{path}.py" if f"{path}.py" in FILES else f"{path}/__init__.py")
    return found


def test_every_file_has_a_layer() -> None:
    assert len(FILES) > 50
    assert {place(file) for file in FILES} == set(LAYERS)


@pytest.mark.parametrize("file", FILES)
def test_imports_go_downward(file: str) -> None:
    own = place(file)
    for other in inside(file):
        # The model's own files are one layer; that there is no cycle among them is tested below.
        same_place = place(other) == own or LAYERS[place(other)] == LAYERS[own] == 9
        assert same_place or LAYERS[place(other)] < LAYERS[own], f"{file} imports {other}"


def test_no_cycles() -> None:
    graph = {file: set(inside(file)) - {file} for file in FILES if file != "__init__.py"}
    assert sum(map(len, graph.values())) > 100
    while graph:
        leaves = {file for file, needs in graph.items() if not needs & set(graph)}
        assert leaves, f"a cycle among {sorted(graph)}"
        graph = {file: needs for file, needs in graph.items() if file not in leaves}


@pytest.mark.parametrize("file", FILES)
def test_heavy_libraries_are_imported_where_they_may_be(file: str) -> None:
    for module in imports(file, top_only=True):
        library = module.split(".")[0]
        if library in HEAVY:
            assert file in HEAVY[library], f"{file} imports {library} at its top"


@pytest.mark.parametrize("file", [f for f in FILES if f.endswith("/__init__.py")])
def test_sub_packages_hold_a_docstring_only(file: str) -> None:
    body = ast.parse((SOURCE / file).read_text(encoding="utf-8")).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)


def loaded_after(code: str) -> set[str]:
    """Return the modules that a fresh process has loaded after some code."""
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize("code", ["import plait", "import plait.cli", "import plait; dir(plait)"])
def test_importing_is_light(code: str) -> None:
    heavy = {"torch", "numpy", "pandas", "pyarrow", "sklearn", "cv2", "lightgbm", "matplotlib"}
    assert not loaded_after(code) & heavy


def test_public_names_are_few_and_there() -> None:
    import plait

    assert len(plait.__all__) <= 15
    for name in plait.__all__:
        assert getattr(plait, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        plait.fitt  # noqa: B018
