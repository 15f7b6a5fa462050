"""What convolutions compute, in float64 NumPy, tap by tap, and the cases of the table."""

import numpy as np

from gluonvae.backend import compiled

from .activations import ACTIVATIONS

IDENTITY, STRIDE = {"kernel": (1, 1), "stride": (1, 1), "padding": (0, 0)}, {"stride": (2, 2), "padding": (1, 1)}
HALVING, SAME = {"kernel": (3, 3), **STRIDE}, {"kernel": (3, 3), "stride": (1, 1), "padding": (1, 1)}
DOUBLING = {"kernel": (4, 4), **STRIDE, "extra": (0, 0)}


def taps(small, large, kernel, stride, padding):
    """For each tap of a kernel its place, and the parts of the small side and of the padded large one that it joins."""
    for y in range(kernel[0]):
        for x in range(kernel[1]):
            height, width = small[2:]
            rows = slice(y, y + stride[0] * (height - 1) + 1, stride[0])
            yield (y, x), (..., rows, slice(x, x + stride[1] * (width - 1) + 1, stride[1]))


def padded(shape, padding, extra=(0, 0)):
    return *shape[:2], *(n + 2 * p + e for n, p, e in zip(shape[2:], padding, extra))


def inside(shape, padding):
    return (..., *(slice(p, p + n) for n, p in zip(shape[2:], padding)))


def to_small(large, weight, small, kernel, stride, padding):
    """The small side, of the large one and weights ``(S, C, *kernel)``."""
    whole = np.zeros(padded(large.shape, padding))
    whole[inside(large.shape, padding)] = large
    return sum(
        np.einsum("nchw,sc->nshw", whole[part], weight[..., y, x])
        for (y, x), part in taps(small, large.shape, kernel, stride, padding)
    )


def to_large(small, weight, large, kernel, stride, padding):
    whole = np.zeros(padded(large, padding))
    for (y, x), part in taps(small.shape, large, kernel, stride, padding):
        whole[part] += np.einsum("nshw,sc->nchw", small, weight[..., y, x])
    return whole[inside(large, padding)]


def to_weight(small, large, weight, kernel, stride, padding):
    whole, found = np.zeros(padded(large.shape, padding)), np.zeros(weight)
    whole[inside(large.shape, padding)] = large
    for (y, x), part in taps(small.shape, large.shape, kernel, stride, padding):
        found[..., y, x] = np.einsum("nshw,nchw->sc", small, whole[part])
    return found


def made_of(shape, layer):
    """The shape of a layer's output."""
    kernel, stride, padding = layer["kernel"], layer["stride"], layer["padding"]
    sizes = zip(shape[2:], kernel, stride, padding, layer.get("extra", (0, 0)))
    if "extra" in layer:
        made = [(n - 1) * s - 2 * p + k + e for n, k, s, p, e in sizes]
    else:
        made = [(n + 2 * p - k) // s + 1 for n, k, s, p, _ in sizes]
    return shape[0], layer["units"], *made


def split(parameters, layers):
    """The weight and, where there is one, the bias of each layer."""
    rest = list(parameters)
    return [(rest.pop(0), rest.pop(0) if layer["bias"] else None) for layer in layers]


def convolutions(layers):
    def reference(data, *parameters):
        maps, before, given = [data], [], split(parameters, layers)
        for layer, (weight, bias) in zip(layers, given):
            sizes = layer["kernel"], layer["stride"], layer["padding"]
            shape = made_of(maps[-1].shape, layer)
            made = (to_large if "extra" in layer else to_small)(maps[-1], weight, shape, *sizes)
            before.append(made + (0 if bias is None else bias[:, None, None]))
            maps.append(ACTIVATIONS[layer["activation"]][0](before[-1]))

        def gradients(of_output):
            of_maps, found = of_output, []
            for i in reversed(range(len(layers))):
                sizes = tuple(layers[i][name] for name in ("kernel", "stride", "padding"))
                weight, bias = given[i]
                delta = of_maps * ACTIVATIONS[layers[i]["activation"]][1](before[i])
                sides = (maps[i], delta) if "extra" in layers[i] else (delta, maps[i])
                back = to_small if "extra" in layers[i] else to_large
                of_bias = [] if bias is None else [delta.sum(axis=(0, 2, 3))]
                found = [to_weight(*sides, weight.shape, *sizes), *of_bias, *found]
                of_maps = back(delta, weight, maps[i].shape, *sizes)
            return [of_maps, *found]

        return [maps[-1]], gradients

    return reference


def call(layers):
    def of_tensors(x, *parameters):
        made = [
            compiled.Convolution(
                weight,
                bias,
                *(layer[name] for name in ("units", "kernel", "stride", "padding")),
                layer.get("extra"),
                layer["activation"],
            )
            for layer, (weight, bias) in zip(layers, split(parameters, layers))
        ]
        return [compiled.convolutions(x, made)]

    return of_tensors


def draw(shape, layers):
    def of_rows(rng, rows):
        channels, parameters = shape[0], []
        for layer in layers:
            sides = (channels, layer["units"]) if "extra" in layer else (layer["units"], channels)
            size = (*sides, *layer["kernel"])
            parameters.append(rng.standard_normal(size) / np.sqrt(channels * np.prod(layer["kernel"])))
            parameters += [0.1 * rng.standard_normal(layer["units"])] if layer["bias"] else []
            channels = layer["units"]
        return [rng.standard_normal((rows, *shape)), *parameters]

    return of_rows


def layer(units, sizes, activation="relu", bias=True):
    return {"units": units, "activation": activation, "bias": bias, **sizes}


WIDE = {"kernel": (7, 7), "stride": (1, 1), "padding": (3, 3)}
UNEVEN = {"kernel": (2, 3), "stride": (3, 1), "padding": (0, 2)}
TABLE = {
    "encoder": ((1, 28, 28), [layer(4, HALVING, "softrelu"), layer(7, HALVING, "relu")]),
    "decoder": (
        (5, 7, 7),
        [layer(4, DOUBLING, "softrelu"), layer(3, DOUBLING, "elu"), layer(1, IDENTITY, "identity")],
    ),
    "odd sizes": ((3, 9, 5), [layer(2, HALVING, "selu", bias=False), layer(3, SAME, "leakyrelu")]),
    "uneven": ((2, 7, 5), [layer(3, UNEVEN, "sigmoid"), layer(2, {**UNEVEN, "extra": (1, 0)}, "softsign")]),
    "many channels": ((9, 7, 5), [layer(3, UNEVEN, "sigmoid"), layer(8, {**UNEVEN, "extra": (1, 0)}, "softsign")]),
    "one pixel": ((1, 1, 1), [layer(1, SAME, "tanh"), layer(2, {**HALVING, "extra": (1, 1)}, "tanh")]),
    "strided pixels": ((3, 5, 4), [layer(2, {**IDENTITY, "stride": (2, 2)}, "identity", bias=False)]),
    "wide": ((1, 40, 64), [layer(2, SAME, "tanh")]),
    # whose patches are more than are made at once
    "large": ((4, 18, 40), [layer(2, WIDE, "identity"), layer(4, {**WIDE, "extra": (0, 0)}, "identity")]),
}
