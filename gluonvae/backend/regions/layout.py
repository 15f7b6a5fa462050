"""How a program computes inputs of certain shapes, as words that its compiled code reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Optional

from . import forms, images
from .kinds import KINDS, Shape, is_narrow, repeat_rows
from .lines import whole_lines
from .operator import LARGEST, SMALLEST, Plan
from .program import Program
from .segments import Segment

ALL, OF_ROWS, OVER_SAMPLES, OF_PARAMETERS = range(4)
"""Parts of an instruction in the backward pass: all gradients but those of parameters; of operands with as many rows
as its result; of operands with a row for all samples of one; of parameters."""

NONE, WRITE, ADD = range(3)
"""What becomes of a gradient: it is written, or added to what is there."""

VALUES, INPUTS_OF, INSTRUCTIONS, OUTPUTS_OF, AT_INSTRUCTIONS, AT_FORWARD, AT_BACKWARD, ROOM, MEMORY = range(9)
WIDTH_OF_RESULTS, WIDEST_PRODUCT, WIDEST_ROUNDED, HEADER = range(9, 13)
"""Words of a plan: how many values, inputs, instructions and outputs there are, where the instructions and the groups
of the forward and the backward pass begin, how many rows a thread takes through a group at most, and how many numbers
of memory it takes for itself beside them; of one row the numbers of all results, and the most of a dense layer's result
and of what is rounded to bfloat16; then the values."""
ROWS, WIDTH, PLACE, GRADIENT, STARTS, OWN, OWN_GRADIENT, VALUE = range(8)
"""Words of a value: its rows, their width, its place among inputs and outputs, that of its gradient in the memory of
the backward pass or -1, whether this starts with the gradient of an output, the value's place in the memory of the
forward pass or -1, and that of the gradient of the rows at hand in the memory of a thread or -1."""
OPERANDS = 5
"""Most values of an instruction, its result among them."""
APPLY, DIFFERENTIATE, ADD_UP, PREPARE, NUMBER, COUNT, OPERAND = range(7)
SIZES_OF_IMAGES = OPERAND + 2 * OPERANDS
PREPARED = SIZES_OF_IMAGES + images.DETAILS
WEIGHT, DATA, DELTA, LEAVES_OUT_ZEROS, TRANSPOSES_WEIGHT, TRANSPOSES_GRADIENT = range(PREPARED + 1, PREPARED + 7)
INSTRUCTION = TRANSPOSES_GRADIENT + 1
"""Words of an instruction: the addresses of its functions, or 0, the number of its options, how many operands it has,
the operands and the result, for each operand what becomes of its gradient, and those of
:mod:`gluonvae.backend.regions.images` and of :func:`gluonvae.backend.regions.forms.places`."""
GROUP_ROWS, GROUP_PIECES, GROUP_LARGEST, GROUP_MOST, IS_BY_PIECE, GROUP_COUNT, ENTRIES = range(7)
"""Words of a group: its rows, in how many pieces threads share them, how many rows are taken through it together, and
how many at most where others would be left over, whether these are of one piece, and the number of its entries; then
these."""


class Group(NamedTuple):
    """Instructions that threads take their rows through, before they wait for each other."""

    rows: int
    entries: tuple[tuple[int, int], ...]
    """Instructions, each with the part of it: in the forward pass ``ALL``."""
    of_images: bool

    @property
    def pieces(self) -> int:
        """In how many pieces threads share them, see ``bodies/rows.py``."""
        return images.pieces_of(self.rows) if self.of_images else max(self.rows // SMALLEST, 1)

    @property
    def largest(self) -> int:
        """How many rows are taken through the instructions together."""
        return images.TOGETHER if self.of_images else LARGEST

    @property
    def most(self) -> int:
        """How many at most, where others would be left over."""
        return 2 * images.TOGETHER - 1 if self.of_images else LARGEST + SMALLEST - 1

    def words(self) -> list[int]:
        """Return the words of a group."""
        entries = [word for entry in self.entries for word in entry]
        return [self.rows, self.pieces, self.largest, self.most, int(self.of_images), len(self.entries), *entries]


Address = Callable[[str, str], int]
"""Of a kind's name and that of one of its functions."""


class Layout:
    """The plan of a program for inputs of certain shapes."""

    def __init__(self, program: Program, shapes: Sequence[Shape], address: Address) -> None:
        self.program, self.address = program, address
        self.shapes = program.shapes(shapes)
        used = [(KINDS[kind], operands) for kind, operands, _ in program.instructions]
        self.parameters = {v for kind, operands in used for j, v in enumerate(operands) if j in kind.parameters}
        made = {program.inputs + i for i, (kind, _) in enumerate(used) if kind.makes_numbers}
        self.of_images = any(kind.of_images for kind, _ in used)
        self.numbers = made | {v for kind, operands in used if kind.of_numbers for v in operands} - self.parameters
        """The values of which a row is one number."""
        of_results = enumerate(used, start=program.inputs)
        self.fixed = {v for v, (kind, _) in of_results if len(kind.constants) == len(kind.operands)}
        """The results that no gradient flows through."""
        self.check()
        self.segments: list[Segment] = []
        for i in range(len(used)):
            rows = {self.rows(v) for v in self.values_of(i)}
            reduced = {self.rows(program.inputs + i)} if used[i][0].over_samples else set()
            if not self.segments or not self.segments[-1].fits(rows, reduced):
                self.segments.append(Segment([], set(), set()))
            self.segments[-1].instructions.append(i)
            self.segments[-1].rows.update(rows)
            self.segments[-1].reduced.update(reduced)
        self.forward, self.backward = self.groups()

    def values_of(self, i: int) -> list[int]:
        """The operands and the result of an instruction, but for parameters."""
        values = [*self.program.instructions[i].operands, self.program.inputs + i]
        return [v for v in values if v not in self.parameters]

    def check(self) -> None:
        """Raise ValueError where operands do not fit each other."""
        for kind, operands, options in self.program.instructions:
            given = [self.shapes[v] for v in operands]
            wanted = [tuple(shape) for shape in KINDS[kind].shapes(options, given)[0]]
            *others, last = given
            of_last = (*last[:-1], last[-1] * KINDS[kind].components(options))
            alike = [] if KINDS[kind].parameters else [*others, of_last]
            if wanted != given or not repeat_rows(alike):
                raise ValueError(f"{kind} of tensors of shapes {', '.join(map(str, given))}: they do not fit")

    def rows(self, v: int) -> int:
        """How many rows a value has."""
        if self.of_images:
            return self.shapes[v][0]
        return math.prod(self.shapes[v] if v in self.numbers else self.shapes[v][:-1])

    def width(self, v: int) -> int:
        """How many numbers a row of it has."""
        if self.of_images:
            return math.prod(self.shapes[v][1:])
        return 1 if v in self.numbers else self.shapes[v][-1]

    def groups(self) -> tuple[list[Group], list[Group]]:
        """Return the groups of the forward and of the backward pass."""
        forward: list[Group] = []
        backward: list[Group] = []
        for segment in self.segments:
            base, sampled, reduced = self.stages(segment)
            of_stages = [(segment.base, base), (segment.sampled, sampled), (segment.base, reduced)]
            forward += [self.group(rows, ((i, ALL) for i in stage)) for rows, stage in of_stages if stage]
            mixed = [(i, OVER_SAMPLES) for i in reversed(sampled) if self.is_mixed(i)]
            back = [
                self.group(segment.base, ((i, ALL) for i in reversed(reduced))),
                self.group(segment.sampled, ((i, OF_ROWS) for i in reversed(sampled))),
                self.group(segment.base, (*mixed, *((i, ALL) for i in reversed(base)))),
            ]
            backward = [group for group in back if group.entries] + backward
        return forward, backward

    def group(self, rows: int, entries: Iterable[tuple[int, int]]) -> Group:
        """Return a group."""
        return Group(rows, tuple(entries), self.of_images)

    def is_mixed(self, i: int) -> bool:
        """Whether operands of an instruction have a row for all samples of the result."""
        return any(self.has_part(i, v, OVER_SAMPLES) for v in self.values_of(i))

    def stages(self, segment: Segment) -> tuple[list[int], list[int], list[int]]:
        """The instructions over the rows of data, over those of samples, and over data again, of what was computed of
        samples."""
        base: list[int] = []
        sampled: list[int] = []
        reduced: list[int] = []
        for i in segment.instructions:
            kind, operands, _ = self.program.instructions[i]
            later = {self.program.inputs + other for other in (*sampled, *reduced)}
            if segment.base == segment.sampled:
                base.append(i)
            elif KINDS[kind].over_samples:
                reduced.append(i)
            elif any(self.rows(v) == segment.sampled for v in self.values_of(i)):
                sampled.append(i)
            else:
                (reduced if later.intersection(operands) else base).append(i)
        return base, sampled, reduced

    def plan(self) -> Plan:
        """Return the plan."""
        program, count = self.program, len(self.shapes)
        values, scratch, forward_scratch = self.values()
        places, scratch, forward_scratch = forms.places(program, self.shapes, scratch, forward_scratch)
        modes = self.modes()
        details, memory, scratch = images.words(list(map(self.convolution, range(len(modes)))), scratch)
        room = max((min(group.rows, group.most) for group in self.forward), default=0)
        memory = self.own_gradients(values, room, memory) + forms.memory(program, self.shapes)
        of_instructions = map(self.instruction, range(len(modes)))
        table = [word for parts in zip(of_instructions, modes, details, places) for part in parts for word in part]
        forward, backward = (
            [len(g), *(w for group in g for w in group.words())] for g in (self.forward, self.backward)
        )
        at = HEADER + VALUE * count
        starts = [at, at + len(table), at + len(table) + len(forward)]
        counts = [count, program.inputs, len(program.instructions), len(program.outputs)]
        header = [*counts, *starts, room, memory, *self.widths()]
        used = [
            (KINDS[kind], (*operands, program.inputs + i)) for i, (kind, operands, _) in enumerate(program.instructions)
        ]
        work = sum(kind.work([self.shapes[v] for v in of_kind]) for kind, of_kind in used)
        pieces = max((group.pieces for group in self.forward), default=1)
        return Plan(
            [*header, *(word for value in values for word in value), *table, *forward, *backward],
            # a second thread that sleeps takes as long to wake as 20 rows of an image take it
            max(1, min(pieces, work // 400_000)),
            max(1, min(pieces, work // 200_000)),
            scratch,
            forward_scratch,
        )

    def widths(self) -> tuple[int, int, int]:
        """Return the numbers of a row of all results, and the most of a dense layer's and of what is rounded."""
        program, first = self.program, self.program.inputs
        dense = [(i, of) for i, of in enumerate(program.instructions) if of.kind == "dense"]
        rounded = [self.width(of.operands[0]) for _, of in dense if is_narrow(of.options)]
        made = (whole_lines(self.width(v)) for v in range(first, len(self.shapes)))  # each begins a cache line
        return sum(made), max((self.width(first + i) for i, _ in dense), default=0), max(rounded, default=0)

    def values(self) -> tuple[list[list[int]], int, int]:
        """Return the words of all values, and how much memory the backward and the forward pass take."""
        program, scratch, forward_scratch = self.program, 0, 0
        consumed = {v for _, operands, _ in program.instructions for v in operands}
        places = {v: program.inputs + i for i, v in enumerate((*program.outputs, *program.hidden))}
        words = []
        for v in range(len(self.shapes)):
            rows, width = (1, math.prod(self.shapes[v])) if v in self.parameters else (self.rows(v), self.width(v))
            gradient, starts, own = -1, 0, -1
            if v >= program.inputs:
                made = program.instructions[v - program.inputs]
                changed = made.options.get("activation", "identity") != "identity"
                if (v not in program.outputs or v in consumed or changed) and not self.is_passing(v):
                    gradient, starts = scratch, int(v in program.outputs)
                    scratch += whole_lines(rows * width)
                if self.crosses(v):
                    own = forward_scratch
                    forward_scratch += whole_lines(rows * width)
            words.append([rows, width, places.get(v, v), gradient, starts, own, -1])
        return words, scratch, forward_scratch

    def is_passing(self, v: int) -> bool:
        """Whether the gradient of a result is used up as soon as it is made.

        That of what a dense layer makes is read once more, for the weights.
        """
        return self.of_images and len(self.backward) == 1 and v not in self.program.outputs

    def own_gradients(self, values: Sequence[list[int]], room: int, memory: int) -> int:
        """Put gradients into the memory of a thread, and return how much it is then."""
        for v in range(self.program.inputs, len(values)):
            if self.is_passing(v):
                values[v][OWN_GRADIENT] = memory
                memory += whole_lines(room * self.width(v))
        return memory

    def crosses(self, v: int) -> bool:
        """Whether a result is read in another group than that in which it is made."""
        instructions, makes = self.program.instructions, v - self.program.inputs
        reads = [i for i, (_, operands, _) in enumerate(instructions) if v in operands]
        together = next({i for i, _ in group.entries} for group in self.forward if (makes, ALL) in group.entries)
        return not together.issuperset(reads)

    def convolution(self, i: int) -> Optional[tuple[images.Geometry, int]]:
        """Return the sizes of an instruction's images, and their number."""
        kind, operands, options = self.program.instructions[i]
        geometry, shapes = KINDS[kind].geometry, [self.shapes[v] for v in (*operands, self.program.inputs + i)]
        return (geometry(options, shapes), shapes[0][0]) if geometry else None

    def instruction(self, i: int) -> list[int]:
        """Return the words of an instruction but for the last, what becomes of gradients."""
        kind, operands, options = self.program.instructions[i]
        values = [*operands, self.program.inputs + i]
        unused = [0] * (OPERANDS - len(values))
        functions = [self.address(kind, name) for name in ("forward", "backward", "parameters", "prepare")]
        return [*functions, KINDS[kind].number(options), len(operands), *values, *unused]

    def modes(self) -> list[list[int]]:
        """Return what becomes of the gradient of each operand of each instruction."""
        program = self.program
        modes = [[NONE] * OPERANDS for _ in program.instructions]
        begun = {v for v in program.outputs if any(v in operands for _, operands, _ in program.instructions)}
        order = [entry for group in self.backward for entry in group.entries]
        of_parameters = [(i, OF_PARAMETERS) for i in reversed(range(len(program.instructions)))]
        for i, part in (*order, *of_parameters):
            kind, operands, _ = program.instructions[i]
            for j, v in enumerate(operands):
                if j not in KINDS[kind].constants and v not in self.fixed and self.has_part(i, v, part):
                    modes[i][j] = ADD if v in begun else WRITE
                    begun.add(v)
        return modes

    def has_part(self, i: int, v: int, part: int) -> bool:
        """Whether an instruction computes the gradient of an operand in a part of it."""
        if v in self.parameters or part == OF_PARAMETERS:
            return v in self.parameters and part == OF_PARAMETERS
        result = self.program.inputs + i
        return part == ALL or (
            self.rows(v) == self.rows(result) if part == OF_ROWS else self.rows(v) < self.rows(result)
        )
