"""Gradients of parameters, and numbers beside them, as one array that is summed over the workers in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

import numpy as np

from ..backend.memory import address, read_values
from ..backend.runtime import is_gpu, mx
from .group import Group
from .senders import COMPLETE


class Message:
    """An array, kept from step to step: memory that is new each time costs as much as its sum.

    A backward pass computes the gradients of the last parameters first, as a rule, so that these come first here: a
    piece can be summed when all before its end is there.

    Parameters
    ----------
    shapes : sequence of tuple[int, ...]
        Of the gradients.
    numbers : int
        How many numbers there are beside them.
    group : Group
        The workers. All of them make the same message at the same time.
    """

    def __init__(self, shapes: Sequence[tuple[int, ...]], numbers: int, group: Group) -> None:
        self.shapes, self._group = list(shapes), group
        sizes = [int(np.prod(shape)) for shape in shapes]
        self.flat = np.zeros(sum(sizes) + numbers, np.float32)
        *backwards, self.numbers = np.split(self.flat, np.cumsum(sizes[::-1]))
        self.parts = [part.reshape(shape) for part, shape in zip(backwards[::-1], self.shapes)]
        """Those of the gradients."""
        pieces = np.array_split(self.flat, group.pieces_of(len(self.flat)))
        self.ends = np.cumsum([len(piece) for piece in pieces])
        self.pieces = [mx.nd.from_numpy(piece, zero_copy=True) for piece in pieces]
        if len(self.pieces) > 1:
            for place, piece in enumerate(self.pieces):  # the first time not in a thread, see KVStore
                group.sum(piece, place)


class Sending:
    """A message of one step: which gradients are in it, and which of its pieces are on their way.

    Parameters
    ----------
    message : Message
        What is filled and sent.
    parameters : sequence of Parameter
        It is filled with their gradients, those of their first devices.
    """

    def __init__(self, message: Message, parameters: Sequence[Any]) -> None:
        self._message = message
        self._gradients = [parameter.list_grad()[0] for parameter in parameters]
        self._number_at = {
            address(gradient): number
            for number, (parameter, gradient) in enumerate(zip(parameters, self._gradients))
            if parameter.grad_req == "write" and not is_gpu(gradient.context)
        }
        self._is_there = [False] * len(parameters)
        self._missing = len(parameters)  # so many, and no others, are missing or before one that is
        self._filled = self._sent = 0
        self._is_complete = False
        self.early = 0
        """How many pieces were on their way before all gradients were there."""

    def take(self, word: int) -> None:
        """Take in the gradient at an address, if it is one of these, or all that are left."""
        if word == COMPLETE:
            self._is_complete, self.early = True, self._sent
            for number in range(self._missing):
                self._fill(number)
        elif word in self._number_at:
            self._fill(self._number_at[word])
            while self._missing and self._is_there[self._missing - 1]:
                self._missing -= 1
                self._filled += self._gradients[self._missing].size

    def _fill(self, number: int) -> None:
        if not self._is_there[number]:
            self._message.parts[number][:] = read_values(self._gradients[number])
            self._is_there[number] = True

    def next(self) -> Optional[tuple[Any, int]]:
        """Return the next piece and its place, if all of it is there."""
        place, ends = self._sent, self._message.ends
        # the last one has the numbers, which come with the word that all is there
        is_there = place + 1 < len(ends) and ends[place] <= self._filled
        if place == len(ends) or not (is_there or self._is_complete):
            return None
        self._sent += 1
        return self._message.pieces[place], place
