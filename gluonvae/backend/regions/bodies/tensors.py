"""The tensors of a program, as its compiled code sees them."""

from __future__ import annotations

from numba import carray

from ..layout import ALL, COUNT, NONE, NUMBER, OF_ROWS, OPERAND, ROWS, VALUE, WIDTH
from .native import bytes_of, compiled, doubles, numbers, word_of, words

OF_THREAD, OF_PASS, ROUNDED, PRODUCT, IS_OWN = range(4, 9)
VIEW = IS_OWN + 1

# A view is the address of words, which are addresses: of a value's words, of the values' numbers, of their gradients,
# of what becomes of the gradients of an instruction's operands, of memory of the thread's own, of the memory of the
# pass; in the forward pass also of some memory of the thread's own for rounded rows and for rows of a product, and of
# words that say of which results only the rows at hand are in memory, which is the thread's own. A number's address is
# that of row 0 also where row 0 is not in memory.


@compiled
def is_own(view, value):
    """Whether only the rows at hand of a result are in memory, in the forward pass: nobody reads it afterwards."""
    return word_of(word_of(view, IS_OWN), value) != 0


@compiled
def value_words(view, value):
    """The words of a value."""
    return words(words(view)[0] + 8 * VALUE * value)


@compiled
def operand(instruction, which):
    """The number of an operand, or after the last of the result."""
    return words(instruction)[OPERAND + which]


@compiled
def result(instruction):
    """The number of the result."""
    return operand(instruction, word_of(instruction, COUNT))


@compiled
def address(view, value, row, like):
    """The address of a row of a value; a value with fewer rows is repeated."""
    of_value = value_words(view, value)
    place = word_of(word_of(view, 1), value)
    return place + bytes_of(like) * ((row % of_value[ROWS]) * of_value[WIDTH])


@compiled
def gradient_address(view, value, row, like):
    """The address of the gradient of a row of a value."""
    of_value = value_words(view, value)
    place = word_of(word_of(view, 2), value)
    return place + bytes_of(like) * (row * of_value[WIDTH])


@compiled
def row_of(view, value, row, like):
    """A row of a value."""
    return carray(numbers(address(view, value, row, like), like), value_words(view, value)[WIDTH])


@compiled
def gradient_of(view, value, row, like):
    """The gradient of a row of a value."""
    return carray(numbers(gradient_address(view, value, row, like), like), value_words(view, value)[WIDTH])


@compiled
def mode(view, which):
    """What becomes of the gradient of an operand of the instruction at hand."""
    return words(words(view)[3])[which]


@compiled
def shared_place(instruction, view, which):
    """The address of one of the tensors that threads have of an instruction in the memory of the pass."""
    return word_of(view, OF_PASS) + 4 * word_of(instruction, which)


@compiled
def is_wanted(view, which):
    """Whether the gradient of an operand is computed."""
    return mode(view, which) != NONE


@compiled
def is_at_hand(instruction, view, which, part):
    """Whether the gradient of an operand is computed in a part of the backward pass."""
    is_of_rows = value_words(view, operand(instruction, which))[ROWS] == value_words(view, result(instruction))[ROWS]
    return is_wanted(view, which) and (part == ALL or (part == OF_ROWS) == is_of_rows)


@compiled
def real_option(instruction):
    """The option of an instruction, where it is a real number."""
    return carray(doubles(instruction + 8 * NUMBER), 1)[0]
