"""Classes by name: what the command line and :func:`gluonvae.construct_vae` may be asked for."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Callable, Optional, TypeVar

from . import checks

Class = TypeVar("Class", bound=type)


class Registry(dict[str, Any]):
    """Classes of one kind, such as "likelihood", by name."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def register(self, name: str) -> Callable[[Class], Class]:
        """Decorator: the class is known as ``name``."""

        def under_name(kind: Class) -> Class:
            self[name] = kind
            return kind

        return under_name

    def make(self, name: str, options: Optional[Mapping[str, Any]] = None, **arguments: Any) -> Any:
        """One of the class called ``name``, given ``arguments`` and the user's ``options``.

        Raises ValueError for a name or an option that is not known, with the nearest that there is, and for
        an option that the class cannot do without.
        """
        kind = self[checks.known_name(self.kind, name, self)]
        options = options or {}
        known = {key: of for key, of in inspect.signature(kind).parameters.items() if key not in arguments}
        for option in options:
            if option in arguments:
                raise ValueError(f"{option} of the {self.kind} {name!r} is given twice, once as an option")
            if not known:
                raise ValueError(f"the {self.kind} {name!r} has no options, got {option!r}")
            checks.known_name(f"an option of the {self.kind} {name!r}", option, known)
        needed = [key for key, of in known.items() if of.default is of.empty and of.kind is not of.VAR_KEYWORD]
        missing = [key for key in needed if key not in options]
        if missing:
            raise ValueError(f"the {self.kind} {name!r} needs its option {', '.join(missing)}")
        return kind(**arguments, **options)
