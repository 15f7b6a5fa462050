"""Steps of training that several devices or several workers take together."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from operator import methodcaller
from typing import Any, NoReturn, Optional

import numpy as np

from .. import noise as _noise
from ..backend.control_flow import is_foreign
from ..backend.memory import read_values
from ..backend.runtime import mx
from ..backend.structures import map_structure
from ..backend.types import Block, Structure, Tensor
from ..batches import Batch
from ..distributed.gradients import GradientSum, clear, spread
from ..distributed.group import Group
from ..distributed.joining import current
from ..distributed.sharing import Share, Within, rows_of
from ..noise import PartOfNoise
from ..objectives import Objective, Terms
from .divergence import Diverged, Taken
from .serialization import DRAW_FROM_MXNET
from .step import Stepper
from .trainer import make_same

IN_ONE = "Train on one device and in one process, or"


class SharedStepper(Stepper):
    """A :class:`Stepper` whose batches are shared out to the devices of the parameters, and to the workers of a group.

    The parameters take the same step on each, by the sum of all gradients, which is that of one device to rounding.
    Batch normalisation is by the statistics of each part, as of Gluon's devices; its moving averages are the means of
    theirs, weighted by their rows.

    Parameters
    ----------
    bound : Objective
        A bound whose value at a data point does not depend on the others in the batch: ``bound.of_single_rows``.
    group : Group
        The workers.
    *arguments, **options
        See :class:`Stepper`.
    """

    def __init__(self, bound: Objective, *arguments: Any, group: Group, **options: Any) -> None:
        check_single_rows(bound)
        super().__init__(bound, *arguments, **options)
        make_same(self.trained.parameters, group)
        self.group = group
        self.asks_to_end = self.ends = False
        """Whether this worker asks all to end, and whether any did at the last step."""
        self._devices = bound.vae._first_parameter.list_ctx()
        if len(self._devices) > 1:
            _check_store(self.trainer)
        self._sum = GradientSum(self.trainer._params, group, numbers=len(Terms._fields) + 3)
        self._averages = list(_moving_averages(bound))
        self._is_to_be_tried = is_foreign(type(bound))
        self._has_told = False
        """Whether all workers know of the error that is raised."""
        _check_optimizer(self.trainer, len(self._devices))
        self._at_once = 1  # who waits for others need not read ahead of a device

    def _apply(self, divisor: float) -> None:
        if len(self._devices) > 1:
            spread(self.trainer._params)
        self.trainer.update(divisor)

    def _differentiate(self, batch: Optional[Batch], rows: Optional[np.ndarray], rate: float) -> None:
        assert rows is not None
        part = self.group.share.part(len(rows))
        sums, taken = [0.0] * len(Terms._fields), None
        source = _noise.source if self.group.is_alone else PartOfNoise(_noise.source, Within(len(rows), part))
        if batch is None:
            self.bound.draw_noise(len(rows))  # what is drawn for the others is drawn by all
            self._clear_gradients()
        else:
            noise = self.bound.draw_noise(len(rows), source)
            self._try_in_parts(batch, noise)
            terms, _ = self._compute(batch, noise)
            sums = [float(read_values(term).sum(dtype=np.float64)) for term in terms]
            taken = Taken(self.taken + 1, rate, batch, rows[part], noise, terms, 0.0)
        *sums, ends = self._sum_with_others(sums, len(rows))
        self._average(0 if batch is None else len(batch.data))
        check = self._check(self.trained.changed())
        unsound = check if isinstance(check, float) else float(check.asscalar())
        if not math.isfinite(sums[0] + unsound):
            self._diverge_together(taken)
        self.seen += len(rows)
        self.sums += sums[1:]
        self.ends = ends > 0
        if taken is not None:
            self._note(taken)

    def _sum_with_others(self, sums: Sequence[float], rows: int, error: Optional[Exception] = None) -> list[float]:
        """Sum the gradients, some numbers and whether one asks to end over all workers, or raise what one tells of."""
        failed = float(error is not None)
        *sums, ends, of_all, failed = self._sum.run([*sums, float(self.asks_to_end), rows, failed])
        if failed:
            self._has_told = True
            with self.group.failing_together():
                if error is not None:
                    raise error
        if of_all != rows * self.group.size:
            self._has_told = True
            raise ValueError(
                f"the workers have batches of different sizes: one has {rows} rows, all {self.group.size} together "
                f"{of_all:.0f}. All need the same data, in the same order"
            )
        return [*sums, ends]

    def end_steps(self) -> None:
        """Tell the other workers that the epoch has no more steps, or raise ValueError where they take others."""
        if not self.group.is_alone:
            self._clear_gradients()
            self._sum_with_others([0.0] * len(Terms._fields), 0)

    def tell(self, error: Exception) -> None:
        """Tell the other workers of an error in this one, which takes no more steps, and raise it."""
        if not (self.group.is_alone or self._has_told):
            self._clear_gradients()
            self._sum_with_others([0.0] * len(Terms._fields), 0, error)

    def finish_epoch(self) -> None:
        super().finish_epoch()
        self._check_replicas()

    def _check_replicas(self) -> None:
        """Raise ValueError where devices or workers do not have the same parameters."""
        digest = hashlib.sha256()
        for parameter in self.trained.parameters:
            first, *others = (value.asnumpy() for value in parameter.list_data())
            if any(not np.array_equal(first, other, equal_nan=True) for other in others):
                raise ValueError(
                    f"{parameter.name} is no longer the same on all devices. {IN_ONE} with another optimizer"
                )
            digest.update(first.tobytes())
        self.group.check_same({"state of the parameters": digest.hexdigest()})

    def _compute(self, batch: Batch, noise: Structure) -> tuple[Terms, Sequence[Tensor]]:
        if len(self._devices) == 1:
            return super()._compute(batch, noise)
        shares = [Share(i, len(self._devices)).part(len(batch.data)) for i in range(len(self._devices))]
        used = [(part, ctx) for part, ctx in zip(shares, self._devices) if part.start < part.stop]
        if len(used) < len(shares):
            self._clear_gradients()
        validated, found = self._validated(), []
        with mx.autograd.record():
            for part, ctx in used:
                label = None if batch.label is None else batch.label[part].as_in_context(ctx)
                own = map_structure(methodcaller("as_in_context", ctx), rows_of(noise, part))
                found.append(self.bound.terms(batch.data[part].as_in_context(ctx), own, label, validated))
            losses = [-terms.objective for terms in found]
        mx.autograd.backward(losses)
        joined = [mx.nd.concat(*(x.as_in_context(self._devices[0]) for x in column), dim=0) for column in zip(*found)]
        return Terms(*joined), self.trained.changed()

    def _watched(self) -> AbstractContextManager[None]:
        return self._sum.while_computed()

    def _try_in_parts(self, batch: Batch, noise: Structure) -> None:
        """Raise ValueError for a bound of the user's own that is of a batch as a whole and does not say so."""
        rows = len(batch.data) // 2
        if not (self._is_to_be_tried and rows):
            return
        self._is_to_be_tried = False
        half = slice(rows)
        label = None if batch.label is None else batch.label[half]
        with mx.autograd.pause():
            whole = read_values(self.bound.terms(batch.data, noise, batch.label, validated=True).objective)
            part = read_values(
                self.bound.terms(batch.data[half], rows_of(noise, half), label, validated=True).objective
            )
        if not np.allclose(part, whole[half], rtol=1e-3, atol=1e-3, equal_nan=True):
            raise ValueError(
                f"the objective of {type(self.bound).__name__} at a data point depends on the others in the batch: of "
                f"{whole[half][0]:.6g} half of the batch makes {part[0]:.6g}. {IN_ONE} {self.bound.in_parts_instead}"
            )

    def _clear_gradients(self) -> None:
        """Set the gradients to those of no data point."""
        clear(self.trained.learned())

    def _average(self, rows: int) -> None:
        """Give the moving averages of batch normalisation their means over the parts of a batch."""
        if not self._averages:
            return
        shares = [Share(i, len(self._devices)).part(rows) for i in range(len(self._devices))]
        sizes = [share.stop - share.start for share in shares]
        values = [
            sum(size * value.asnumpy().astype(np.float64) for size, value in zip(sizes, parameter.list_data()))
            for parameter in self._averages
        ]
        *sums, total = np.split(
            self.group.sum_numbers(np.concatenate([*values, [rows]])), np.cumsum([len(value) for value in values])
        )
        for parameter, value in zip(self._averages, sums):
            parameter.set_data(mx.nd.array(value / total, dtype=parameter.dtype))

    def _diverge_together(self, taken: Optional[Taken]) -> NoReturn:
        """Go back to good parameters, the same in all workers, and raise Diverged with the cause that one has found."""
        own, is_sound = None, True
        if taken is not None:
            is_sound = bool(np.isfinite(read_values(taken.terms.objective)).all())
            try:
                self._diverge(taken, self._last)
            except Diverged as error:
                own = error
        else:
            self._buffers.restore()
            self.trained.clear_gradients()
        self._has_told = True
        told = [is_sound, str(own), own.parameters_before] if own else None
        found = [(rank, json.loads(text)) for rank, text in enumerate(self.group.gather(json.dumps(told)))]
        rank, (_, message, before) = min((item for item in found if item[1]), key=lambda item: (item[1][0], item[0]))
        good: Any = next((state for state in self._kept if state.step == before), None)
        if good is not None:
            good.restore()
        make_same(self.trained.parameters, self.group)
        where = "" if self.group.is_alone else f"rank {rank}: "
        raise Diverged(f"{where}{message}", self.taken + 1, before) from None


def make_stepper(bound: Objective, *arguments: Any, **options: Any) -> Stepper:
    """Return what takes the steps of a training: in parts, where there are several devices or workers."""
    group, devices = current(), bound.vae._first_parameter.list_ctx()
    for parameter in bound.collect_params().values():
        own = parameter.list_ctx()
        if own != devices:
            raise ValueError(
                f"{parameter.name} is on {', '.join(map(str, own))} and {bound.vae._first_parameter.name} on "
                f"{', '.join(map(str, devices))}: bound.collect_params().reset_ctx(ctx) puts all in one place"
            )
    if group.is_alone and len(devices) == 1:
        return Stepper(bound, *arguments, **options)
    return SharedStepper(bound, *arguments, group=group, **options)


def check_single_rows(bound: Objective) -> None:
    """Raise ValueError for a bound that says that its value at a data point depends on the others in the batch."""
    if not bound.of_single_rows:
        raise ValueError(
            f"the objective of {type(bound).__name__} at a data point depends on the others in the batch. {IN_ONE} "
            f"{bound.in_parts_instead}"
        )


def _check_optimizer(trainer: Any, devices: int) -> None:
    """Raise ValueError for an optimizer whose steps would not be the same everywhere."""
    name = type(trainer._optimizer).__name__.lower()
    if name in DRAW_FROM_MXNET:
        raise ValueError(
            f"the optimizer {name} draws noise, which differs between devices and workers. {IN_ONE} with adam"
        )
    if name == "nadam" and devices > 1:
        raise ValueError(f"the optimizer {name} counts the devices as steps: train on one, or with adam")


def _check_store(trainer: Any) -> None:
    """Raise ValueError for a trainer whose KVStore has the optimizer, and gives out parameters and no gradients."""
    options = trainer._kvstore_params
    if options["kvstore"] is not None and options["update_on_kvstore"] is not False:
        raise ValueError(
            "fit takes the sum of the gradients of several devices itself: make the trainer with "
            "update_on_kvstore=False or kvstore=None"
        )


def _moving_averages(block: Block) -> Iterator[Any]:
    """The parameters of a block, and of those in it, that batch normalisation moves."""
    if isinstance(block, mx.gluon.nn.basic_layers._BatchNorm):
        yield from (block.running_mean, block.running_var)
    for child in block._children.values():
        yield from _moving_averages(child)
