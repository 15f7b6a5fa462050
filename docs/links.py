"""Sphinx hooks: references as the docstrings write them, and a check that every public name is documented."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import Any, Optional

import pages
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

import gluonvae

_log = logging.getLogger(__name__)

ROOT = Path(__file__).parent.parent
HOME = "https://github.com/gluonvae/gluonvae/blob/main"
ELSEWHERE = {"contributing": "CONTRIBUTING.md", "changelog": "CHANGELOG.md"}
"""Pages whose text is that of a file in the root of the repository."""
TABLE = "<!-- the table of README.md -->"


def read_source(app: Sphinx, page: str, content: list[str]) -> None:
    """Take in the documents of the repository's root, and link pages and files as they are found in the HTML."""
    path = Path(app.env.doc2path(page))
    if page in ELSEWHERE:
        path = ROOT / ELSEWHERE[page]
        content[0] = path.read_text(encoding="utf-8")
        app.env.note_dependency(path)
    text = _with_links(content[0], path, page)
    if TABLE in text:
        readme = ROOT / "README.md"
        app.env.note_dependency(readme)
        table = "\n".join(line for line in readme.read_text(encoding="utf-8").splitlines() if line.startswith("|"))
        text = text.replace(TABLE, _with_links(table.replace("| | class", "| part | class"), readme, page))
    content[0] = text


def _with_links(text: str, path: Path, page: str) -> str:
    """Replace the links of a document at ``path`` to other documents by what they are on ``page``."""
    pages_of = {ROOT / name: page for page, name in ELSEWHERE.items()}
    depth = "../" * page.count("/")

    def link(found: re.Match[str]) -> str:
        target = (path.parent / found[1]).resolve()
        if target.is_relative_to(ROOT / "docs"):
            return f"]({depth}{target.relative_to(ROOT / 'docs').as_posix()}{found[2] or ''})"
        if target in pages_of:
            return f"]({depth}{pages_of[target]}.md{found[2] or ''})"
        return f"]({HOME}/{target.relative_to(ROOT).as_posix()}{found[2] or ''})"

    return re.sub(r"\]\(([^)#:]+\.md)(#[^)]*)?\)", link, text)


def link_code(app: Sphinx, doctree: nodes.document) -> None:
    """Link code in lines of the guide, ``gv.ELBO(vae)``, to the reference."""
    for code in list(doctree.findall(nodes.literal)):
        named = re.match(r"gv((?:\.\w+)+)", code.astext())
        if named and not isinstance(code.parent, (nodes.reference, pending_xref)):
            target = {"refdomain": "py", "reftype": "obj", "reftarget": f"gluonvae{named[1]}", "refwarn": True}
            code.replace_self(pending_xref("", code.deepcopy(), refdoc=app.env.docname, **target))


def _find(env: BuildEnvironment, target: str) -> Optional[tuple[str, Any]]:
    """Return the name and the place of the one documented object that ``target`` can mean."""
    objects = env.get_domain("py").objects
    for name in (target, *_other_names(target)):
        if name in objects:
            return name, objects[name]
    ends = [f".{target}", *([f".{target.rsplit('.', 1)[-1]}"] if target.startswith("gluonvae.") else [])]
    places = {(of.docname, of.node_id): (name, of) for name, of in objects.items() if name.endswith(tuple(ends))}
    inside = [place for place in places.values() if place[0].startswith(f"{target.rpartition('.')[0]}.")]
    found = inside if len(places) > 1 else list(places.values())
    return found[0] if len(found) == 1 else None


def _other_names(target: str) -> list[str]:
    """The names under which something is defined, and in ``gluonvae``, that is imported as ``target``."""
    module, _, name = target.rpartition(".")
    thing = getattr(sys.modules.get(module), name, None)
    if thing is None:
        return []
    defined = f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', '')}"
    return [defined, *([f"gluonvae.{name}"] if getattr(gluonvae, name, None) is thing else [])]


def resolve(app: Sphinx, env: BuildEnvironment, node: pending_xref, child: nodes.Node) -> Optional[nodes.Node]:
    """Resolve short names, methods of a base class, and names as they are imported: what docstrings use."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    found = _find(env, target)
    for base in [] if found else _bases(node.get("py:module"), node.get("py:class")):
        found = found or _find(env, f"{base.__name__}.{target}")
    if found is None and node["reftype"] == "attr" and "." in target:
        # attributes that a class describes in its docstring have no place of their own
        found = _find(env, target.rsplit(".", 1)[0])
    if found is None:
        return None
    name, entry = found
    uri = f"{app.builder.get_relative_uri(node['refdoc'], entry.docname)}#{entry.node_id}"
    return nodes.reference("", "", child, internal=True, refuri=uri, reftitle=name)


def _bases(module: Optional[str], name: Optional[str]) -> tuple[type, ...]:
    """The class in whose docstring a reference is, and its bases."""
    kind = getattr(importlib.import_module(module), name or "", None) if module else None
    return kind.__mro__ if inspect.isclass(kind) else ()


def skip_foreign(app: Sphinx, what: str, name: str, thing: Any, skip: bool, options: Any) -> Optional[bool]:
    """Leave out methods without a docstring of their own or of a base in the library: MXNet's says nothing here.

    Nor does what matplotlib gives its classes.
    """
    if str(getattr(thing, "__module__", "")).startswith("matplotlib."):
        return True
    if not inspect.isfunction(thing) or thing.__doc__ or "." not in thing.__qualname__:
        return None
    for base in _bases(thing.__module__, thing.__qualname__.rsplit(".", 1)[0]):
        if getattr(vars(base).get(name), "__doc__", None):
            return None if base.__module__.startswith("gluonvae") else True
    return None


COLON = "\ue000"
"""Stands for a colon while napoleon reads the docstring of an attribute: it takes what is before one for a type."""


def hide_colons(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    if what in ("attribute", "data", "property"):
        lines[:] = [line.replace(":", COLON) for line in lines]


def show_colons(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    lines[:] = [pages.plain_bars(line.replace(COLON, ":")) for line in lines]


def check_complete(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of public names that are documented nowhere."""
    modules = [gluonvae, *(importlib.import_module(f"gluonvae.{room}") for room in pages.TITLES)]
    for module in modules:
        for name in getattr(module, "__all__", ()):
            if name != "__version__" and _find(env, f"{module.__name__}.{name}") is None:
                _log.warning("%s.%s is not in the API reference", module.__name__, name)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", read_source)
    app.connect("doctree-read", link_code)
    app.connect("missing-reference", resolve)
    app.connect("autodoc-skip-member", skip_foreign)
    app.connect("autodoc-process-docstring", hide_colons, priority=400)  # napoleon has 500
    app.connect("autodoc-process-docstring", show_colons, priority=600)
    app.connect("env-check-consistency", check_complete)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
