"""Programs: instructions over rows, which each thread takes its own rows through, as one operator of MXNet's.

An operator of a few instructions, such as the layers of a network, is a program, and so is all of a graph that
:mod:`gluonvae.backend.regions.fusion` has put together.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from .kinds import KINDS, Shape


class Instruction(NamedTuple):
    """A computation of rows. Values are numbered: first the inputs of a program, then the results in their order."""

    kind: str
    operands: tuple[int, ...]
    options: dict[str, Any]


class Program(NamedTuple):
    """Instructions, and which of their results are outputs."""

    inputs: int
    instructions: tuple[Instruction, ...]
    outputs: tuple[int, ...]

    def encoded(self) -> str:
        """Return it as text."""
        return json.dumps([self.inputs, self.instructions, self.outputs], separators=(",", ":"))

    @classmethod
    def decoded(cls, text: str) -> Program:
        """Return the program of a text."""
        inputs, instructions, outputs = json.loads(text)
        made = tuple(Instruction(kind, tuple(operands), options) for kind, operands, options in instructions)
        return cls(inputs, made, tuple(outputs))

    @property
    def hidden(self) -> list[int]:
        """The results that are no outputs, in their order."""
        return [v for v in range(self.inputs, self.inputs + len(self.instructions)) if v not in self.outputs]

    def makes_numbers(self, output: int) -> bool:
        """Return whether a row of an output is one number."""
        made = self.outputs[output] - self.inputs
        return made >= 0 and KINDS[self.instructions[made].kind].makes_numbers

    def without_unused(self) -> Program:
        """Return the program without instructions whose results are not used: they have no gradients."""
        used = set(self.outputs)
        for i in reversed(range(len(self.instructions))):
            if self.inputs + i in used:
                used.update(self.instructions[i].operands)
        kept = [i for i in range(len(self.instructions)) if self.inputs + i in used]
        new = {**{v: v for v in range(self.inputs)}, **{self.inputs + i: self.inputs + k for k, i in enumerate(kept)}}
        of_kept = (self.instructions[i] for i in kept)
        made = tuple(Instruction(kind, tuple(new[v] for v in operands), options) for kind, operands, options in of_kept)
        return Program(self.inputs, made, tuple(new[v] for v in self.outputs))

    def shapes(self, given: Sequence[Shape]) -> list[Shape]:
        """Return the shapes of all values; () where one is not known."""
        shapes = list(given)
        for kind, operands, options in self.instructions:
            of_operands, result = KINDS[kind].shapes(options, [shapes[v] for v in operands])
            for v, shape in zip(operands, of_operands):
                shapes[v] = shapes[v] if shapes[v] and v >= self.inputs else tuple(shape)
            shapes.append(tuple(result))
        return shapes
