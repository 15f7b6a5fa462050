"""Registries: classes by name, for :func:`gluonvae.construct_vae` and the command line."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Callable, Optional, TypeVar

from . import checks

Class = TypeVar("Class", bound=type)


class Registry(dict[str, Any]):
    """Dictionary from names to classes of one kind.

    Names are looked up without regard to case, ``_`` and ``-``: "realNVP" finds "real_nvp". Iteration gives them
    as they were registered.

    Parameters
    ----------
    kind : str
        What the classes are, for messages, such as "likelihood".

    Examples
    --------
    >>> shapes = Registry("shape")
    >>> @shapes.register("unit_square")
    ... class UnitSquare: ...
    >>> shapes["unitSquare"] is UnitSquare, shapes.canonical("Unit-Square")
    (True, 'unit_square')
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and checks.normalised(name) in map(checks.normalised, self)

    def __missing__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        return self[self.canonical(name)]

    def get(self, name: str, default: object = None) -> Any:
        """Look up a name that may be unknown.

        Parameters
        ----------
        name : str
            The name, in any spelling.
        default : object, optional
            Returned for an unknown name.

        Returns
        -------
        object
            The class, or ``default``.
        """
        return self[self.canonical(name)] if name in self else default

    def canonical(self, name: str) -> str:
        """Return the spelling under which a name was registered.

        Parameters
        ----------
        name : str
            The name, in any spelling.

        Returns
        -------
        str
            The key of the dictionary.

        Raises
        ------
        ValueError
            If the name is unknown, with the known names and the most similar of them.
        """
        return checks.known_name(self.kind, name, self)

    def register(self, name: str) -> Callable[[Class], Class]:
        """Register the decorated class.

        Parameters
        ----------
        name : str
            The name, in snake_case.

        Returns
        -------
        Callable[[type], type]
            A decorator that returns the class unchanged.

        Raises
        ------
        ValueError
            If another spelling of the name is registered already.
        """
        if name in self and self.canonical(name) != name:
            raise ValueError(f"the {self.kind} {name!r} is another spelling of {self.canonical(name)!r}")

        def under_name(kind: Class) -> Class:
            self[name] = kind
            return kind

        return under_name

    def make(self, name: str, options: Optional[Mapping[str, object]] = None, **arguments: object) -> Any:
        """Make an instance of the class of a name.

        Parameters
        ----------
        name : str
            The name, in any spelling.
        options : Mapping[str, object], optional
            Arguments of the constructor that the user chose, by name.
        **arguments : object
            Arguments of the constructor that the caller sets.

        Returns
        -------
        object
            The instance.

        Raises
        ------
        ValueError
            If the name or an option is unknown, an option is given twice, or one without a default is missing; if the
            class fails for its options.
        TypeError
            If an option is no truth value or no number, and its default is one.
        """
        name = self.canonical(name)
        kind = self[name]
        options = options or {}
        known = {key: of for key, of in inspect.signature(kind).parameters.items() if key not in arguments}
        for option in options:
            if option in arguments:
                raise ValueError(f"{option} of the {self.kind} {name!r} is given twice, once as an option")
            if not known:
                raise ValueError(f"the {self.kind} {name!r} has no options, got {option!r}")
            checks.known_name(f"an option of the {self.kind} {name!r}", option, known)
            _check_option(f"{option} of the {self.kind} {name!r}", options[option], known[option].default)
        needed = [key for key, of in known.items() if of.default is of.empty and of.kind is not of.VAR_KEYWORD]
        missing = [key for key in needed if key not in options]
        if missing:
            raise ValueError(f"the {self.kind} {name!r} needs its option {', '.join(missing)}")
        try:
            return kind(**arguments, **options)
        except Exception as error:
            if not options or any(option in str(error) for option in options):
                raise
            raise ValueError(f"the {self.kind} {name!r} with {_shown(options)}: {error}") from error


def _check_option(name: str, value: object, default: object) -> None:
    """Refuse what is no truth value or no number where the default is one."""
    if isinstance(default, bool):
        checks.boolean(name, value)
    elif isinstance(default, (int, float)):
        if isinstance(value, bool):
            raise TypeError(f"{name} must be a number, got {value!r}")
        checks.finite_number(name, value)


def _shown(options: Mapping[str, object]) -> str:
    return ", ".join(f"{option}={value!r}" for option, value in options.items())
