"""The pages of the API reference, made from the packages: a new class or module appears in it without a change here.

Each package has a page with a table of the classes and functions that it exports, which have pages of their own,
and with everything else that its modules define.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import gluonvae
from gluonvae.registry import Registry

TITLES = {
    "models": "Models",
    "generator": "Likelihoods",
    "inference": "Posteriors",
    "prior": "Priors",
    "objectives": "Bounds",
    "training": "Training",
    "schedules": "Schedules",
    "callbacks": "Callbacks",
    "loggers": "Loggers",
    "evaluation": "Evaluation",
    "data": "Data",
    "plots": "Plots",
    "export": "Export",
    "sklearn": "scikit-learn",
    "graph": "Summary of a model",
    "noise": "Noise",
    "distributions": "Distributions",
    "flows": "Normalising flows",
    "networks": "Network bodies",
    "cli": "Command line",
    "weights": "Weights",
    "registry": "Registries",
    "batches": "Batches",
    "checks": "Checks of arguments",
    "files": "Files",
    "backend": "Backend",
}
"""Titles of the pages, by package or module, in the order of the table of contents. Others follow under their names."""


def write_pages(folder: Path) -> None:
    """Write all pages, touching only those that changed, and remove those of classes that are gone."""
    rooms = [name for name in _names_of_modules(gluonvae) if not name.startswith("_")]
    titles = {**TITLES, **{room: room for room in rooms if room not in TITLES}}
    packages = {room: importlib.import_module(f"gluonvae.{room}") for room in titles}
    exported = {room: _exported(package) for room, package in packages.items()}
    anywhere = {name: thing for things in exported.values() for name, thing in things.items()}
    pages = {"index": _heading("API reference", "=") + _toctree(titles, "   :maxdepth: 1\n")}
    pages.update({name: _own_page(name, thing) for name, thing in anywhere.items()})
    for room, title in titles.items():
        pages[room] = _package_page(packages[room], title, exported[room], list(anywhere.values()))
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.stem not in pages:
            path.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def _package_page(package: ModuleType, title: str, exported: dict[str, Any], with_own_page: list[Any]) -> str:
    parts = [_heading(title, "=")]
    for module in _modules(package):
        heading = _heading(module.__name__, "-") if module is not package else ""
        long = _long_values(module)
        elsewhere = [name for name, thing in vars(module).items() if any(thing is other for other in with_own_page)]
        exclude = f"   :exclude-members: {', '.join(elsewhere + long)}\n" if elsewhere or long else ""
        parts.append(f"{heading}.. automodule:: {module.__name__}\n   :members:\n   :ignore-module-all:\n{exclude}")
        parts += [f".. autodata:: {module.__name__}.{name}\n   :no-value:\n" for name in long]
        if module is package and exported:
            kinds = [thing for thing in vars(package).values() if isinstance(thing, Registry)]
            parts += [_summaries(exported, kinds), _toctree(exported, "   :hidden:\n")]
    return "\n".join(parts)


def _long_values(module: ModuleType) -> list[str]:
    """The documented variables of a module whose values, such as registries, are too long to be shown."""
    body = ast.parse(inspect.getsource(module)).body
    documented = [
        target.id
        for statement, after in zip(body, body[1:])
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and isinstance(after, ast.Expr)
        for targets in (statement.targets if isinstance(statement, ast.Assign) else [statement.target],)
        for target in ast.walk(ast.List(targets))
        if isinstance(target, ast.Name)
    ]
    return [name for name in documented if len(repr(getattr(module, name))) > 100]


def _own_page(name: str, thing: Any) -> str:
    """The page of a class or function."""
    if inspect.isclass(thing):
        options = "   :members:\n   :special-members: __call__\n   :show-inheritance:\n"
        return f"{_heading(name, '=')}.. autoclass:: {name}\n{options}"
    return f"{_heading(name, '=')}.. autofunction:: {name}\n"


def _heading(text: str, underline: str) -> str:
    return f"{text}\n{underline * len(text)}\n\n"


def _toctree(names: Iterable[str], options: str) -> str:
    entries = "".join(f"   {name.rsplit('.', 1)[-1]} <{name}>\n" if "." in name else f"   {name}\n" for name in names)
    return f".. toctree::\n{options}\n{entries}"


def _summaries(exported: dict[str, Any], registries: list[Registry]) -> str:
    """A table of what a package exports: the name in a registry, and the first paragraph of the docstring."""
    by_name = {kind: name for kinds in registries for name, kind in kinds.items()}
    header = ["Class or function", "By name", "Summary"]
    rows = [header] + [
        [
            f":{'class' if inspect.isclass(thing) else 'func'}:`~{name}`",
            f"``{by_name[thing]}``" if thing in by_name else "",
            _summary(thing),
        ]
        for name, thing in exported.items()
    ]
    if not by_name:
        rows = [[first, last] for first, _, last in rows]
    cells = "".join("   * - " + "\n     - ".join(row) + "\n" for row in rows)
    return f".. list-table::\n   :header-rows: 1\n   :widths: auto\n\n{cells}"


def _summary(thing: Any) -> str:
    """The first sentence of a docstring, without what it refers to."""
    paragraph = " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
    sentence = re.split(r"(?<=\w[.)`])\s+(?=[A-Z])|(?<=[^.][.])\s+(?=[A-Z])", paragraph)[0]
    return plain_bars(re.sub(r",? see :class:`[^.]*`(?= \(|\.|$)", "", sentence))


def plain_bars(line: str) -> str:
    """Escape bars outside literals: p(x | z) is no substitution of reStructuredText."""
    return "``".join(part if odd % 2 else part.replace("|", r"\|") for odd, part in enumerate(line.split("``")))


def _names_of_modules(package: ModuleType) -> list[str]:
    return [name for _, name, _ in pkgutil.iter_modules(getattr(package, "__path__", ()))]


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    """The package itself and the public modules in it."""
    yield package
    for name in _names_of_modules(package):
        if not name.startswith("_"):
            yield from _modules(importlib.import_module(f"{package.__name__}.{name}"))


def _exported(package: ModuleType) -> dict[str, Any]:
    """The classes and functions that a package exports, by the name that a user types: ``gluonvae.ELBO``."""
    found = {}
    for name in getattr(package, "__all__", ()):
        thing = getattr(package, name)
        if (inspect.isclass(thing) or inspect.isfunction(thing)) and name not in _names_of_modules(package):
            in_top = name in gluonvae.__all__ and getattr(gluonvae, name) is thing
            found[f"gluonvae.{name}" if in_top else f"{package.__name__}.{name}"] = thing
    # what only the package itself exports by name, such as gluonvae.seed
    for name in gluonvae.__all__:
        thing = getattr(gluonvae, name)
        if getattr(thing, "__module__", "").startswith(f"{package.__name__}") and inspect.isfunction(thing):
            found.setdefault(f"gluonvae.{name}", thing)
    return found
