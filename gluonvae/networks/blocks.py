"""Base classes of the parts of a model: initialisation, precision and dtype."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Optional

import numpy as np

from ..backend.graphs import GraphBlock
from ..backend.operators import BFLOAT16, as_numpy
from ..backend.runtime import check_device, mx
from ..backend.types import Block, DType, Tensor
from .dense import Dense, product_dtype

_log = logging.getLogger(__name__)


class XavierOrUniform(mx.init.Xavier):
    """Xavier initialisation of matrices (Glorot and Bengio 2010), uniform initialisation of vectors.

    Xavier is not defined for a vector; there Gluon's default is used. Takes the arguments of
    ``mx.init.Xavier``.
    """

    def _init_weight(self, name: str, array: Tensor) -> None:
        if array.ndim < 2:
            mx.init.Uniform()._init_weight(name, array)
        else:
            super()._init_weight(name, array)


class GraphOver(GraphBlock):
    """A computation with blocks that belong to someone else, as a graph of its own.

    It is hybridised without them: they stay as they are.
    """

    _children: dict[str, Block]

    def hybridize(self, *args: Any, **kwargs: Any) -> None:
        """Hybridise this block alone; the arguments are those of ``HybridBlock.hybridize``."""
        children, self._children = self._children, {}
        try:
            super().hybridize(*args, **kwargs)
        finally:
            self._children = children

    def _build_cache(self, *args: object) -> None:
        with warnings.catch_warnings():
            # those blocks may have more than this computes with
            warnings.filterwarnings("ignore", "Parameter .* is not used by any computation")
            super()._build_cache(*args)


class XavierBlock(GraphBlock):
    """A HybridBlock with Xavier initialisation by default.

    Notes
    -----
    With Gluon's default, uniform in ±0.07 whatever the width, the tutorial's model ends 3 to 5 nats lower on
    ``digits`` (benchmarks/README.md). ``block.collect_params().initialize()`` still uses Gluon's default.
    """

    def initialize(self, init: Any = None, ctx: Any = None, verbose: bool = False, force_reinit: bool = False) -> None:
        """Initialise the parameters.

        Parameters
        ----------
        init : mx.init.Initializer, optional
            :class:`XavierOrUniform` by default.
        ctx : Context or sequence of Context, optional
            Devices that hold the parameters; the current one by default.
        verbose : bool, default False
            Whether to print what is initialised.
        force_reinit : bool, default False
            Whether to initialise parameters again that are initialised already.

        Raises
        ------
        ValueError
            If a device is not there.
        """
        check_device(ctx)
        super().initialize(init or XavierOrUniform(), ctx, verbose, force_reinit)

    def load_parameters(self, filename: str, *args: Any, **kwargs: Any) -> None:
        """Load parameters as Gluon does, and warn of those that are not finite.

        Parameters
        ----------
        filename : str
            A file that ``save_parameters`` wrote.
        *args, **kwargs
            See ``mx.gluon.Block.load_parameters``.
        """
        super().load_parameters(filename, *args, **kwargs)
        if broken := not_finite(self):
            _log.warning("%s holds NaN or infinity in %s: what is computed of them is no use", filename, names(broken))

    def mixed_precision(self, precision: str) -> None:
        """Choose the precision of the matrix products of every :class:`Dense` layer (Micikevicius et al. 2018).

        Parameters, activations, sums, convolutions and outputs stay float32.
        Blocks that contain this one trace their graphs anew.

        Parameters
        ----------
        precision : {"float32", "bfloat16", "float16"}
            bfloat16 is for a CPU with AVX-512 or a GPU, float16 for a GPU.

        Raises
        ------
        ValueError
            If the device has no matrix product of that precision.
        TypeError
            If the model was cast to a dtype other than float32.
        """
        parameters = list(self.collect_params().values())
        if any(np.dtype(parameter.dtype) != np.float32 for parameter in parameters):
            raise TypeError("mixed precision is for a float32 model: vae.cast('float32') first")
        ready = parameters and parameters[0]._data is not None
        dtype = product_dtype(precision, parameters[0].list_ctx()[0] if ready else mx.current_context())

        self._set_precisions(dict.fromkeys(self._dense_layers(), dtype))

    @contextmanager
    def in_precision(self, precision: str) -> Iterator[None]:
        """Take the matrix products in a precision, see :meth:`mixed_precision`, and afterwards as before."""
        before = {layer: layer.precision for layer in self._dense_layers()}
        self.mixed_precision(precision)
        try:
            yield
        finally:
            self._set_precisions(before)

    def _dense_layers(self) -> list[Dense]:
        found: list[Dense] = []
        self.apply(lambda block: found.append(block) if isinstance(block, Dense) else None)
        return found

    def _set_precisions(self, precisions: Mapping[Dense, Optional[DType]]) -> None:
        for layer, dtype in precisions.items():
            layer.precision = dtype
        self.apply(lambda block: block._clear_cached_op() if isinstance(block, mx.gluon.HybridBlock) else None)


def parameter_names(block: Block) -> dict[Any, str]:
    """Return what a block's file calls each of its parameters."""
    return {parameter: name for name, parameter in block._collect_params_with_prefix().items()}


def not_finite(block: Block) -> list[str]:
    """Return the names of the parameters in which a value is NaN or infinite."""
    return [
        name
        for parameter, name in parameter_names(block).items()
        if parameter._data is not None and not np.isfinite(as_numpy(parameter.list_data()[0])).all()
    ]


def names(broken: Sequence[str]) -> str:
    """Say which parameters these are, and of many the first."""
    return broken[0] if len(broken) == 1 else f"{broken[0]} and {len(broken) - 1} other parameters"


def find_block(block: Block, kind: type) -> Optional[Block]:
    """Find a block of a class among a block and its descendants.

    Parameters
    ----------
    block : Block
        Where to search, depth first.
    kind : type
        The class.

    Returns
    -------
    Block or None
        The first one, or None if there is none.

    Examples
    --------
    >>> find_block(vae, mx.gluon.nn.Dropout) is None
    True
    """
    if isinstance(block, kind):
        return block
    children = block._children.values()
    # an empty HybridSequential is false
    return next((found for child in children if (found := find_block(child, kind)) is not None), None)


FLOATS = [BFLOAT16, *(np.dtype(name) for name in ("float16", "float32", "float64"))]
"""The dtypes that a model may have."""


class ModelBlock(XavierBlock):
    """A block that knows the dtype of its input, parameters and output.

    Attributes
    ----------
    dtype : dtype
        "float32" until :meth:`cast` is called.
    supports_bfloat16 : bool
        Class attribute: whether bfloat16's eight significant bits are enough for what the block computes.
    """

    supports_bfloat16: bool = True

    def __init__(self) -> None:
        super().__init__()
        self.dtype: DType = "float32"

    def cast(self, dtype: DType) -> None:
        """Change the dtype of the input, parameters and output.

        Parameters
        ----------
        dtype : dtype
            float32, float64, float16 (on a GPU) or :data:`gluonvae.backend.operators.BFLOAT16`.

        Raises
        ------
        TypeError
            If the dtype is none of these, or :meth:`check_bfloat16` refuses it.
        """
        if np.dtype(dtype) not in FLOATS:
            raise TypeError(f"a model's dtype must be float16, float32, float64 or BFLOAT16, got {np.dtype(dtype)}")
        self.check_bfloat16(dtype)
        super().cast(dtype)
        self.dtype = dtype

    def check_bfloat16(self, dtype: DType) -> None:
        """Check that the block can be cast to bfloat16.

        Parameters
        ----------
        dtype : dtype
            Any other dtype passes.

        Raises
        ------
        TypeError
            If the block does not support bfloat16 or contains a convolution.
        """
        if np.dtype(dtype) != BFLOAT16:
            return
        instead = "leave the model in float32 and call vae.mixed_precision('bfloat16'), for matrix products alone"
        if not self.supports_bfloat16:
            raise TypeError(f"bfloat16 has too few digits for {type(self).__name__}: {instead}")
        if find_block(self, mx.gluon.nn.conv_layers._Conv):
            # they raise errors or corrupt MXNet's memory
            raise TypeError(f"MXNet has no convolutions in bfloat16: {instead}")
