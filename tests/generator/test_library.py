"""Counts with a library size that is observed or latent, against NumPy and scipy."""

import numpy as np
import pytest
import scipy.special
import scipy.stats

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers import (
    MODES,
    assert_modes_agree_in_float64,
    assert_slope_along_a_direction,
    draw,
    learned,
    nd,
    nd64,
    noise_for,
    set_mode,
    small_vae,
)
from tests.truths.likelihoods import Inflated

X, D = 12, 4
KINDS = ("poisson", "negative_binomial", "zero_inflated_poisson", "zero_inflated_negative_binomial")
every_kind = pytest.mark.parametrize("likelihood", KINDS)
every_library = pytest.mark.parametrize("library", ["observed", "latent"])


def counts(rng, cells=40, size=X):
    """Of cells whose library sizes differ by much."""
    return rng.poisson(rng.gamma(1, 3, (cells, size)) * np.exp(rng.standard_normal((cells, 1))))


def model(likelihood, library, data, **changes):
    options = {"library": library, **changes.pop("likelihood_options", {})}
    vae = small_vae(likelihood=likelihood, likelihood_options=options, **changes)
    vae.generator.family.adapt([data])
    return vae


def frozen(likelihood, mean, dispersion, gate_logits):
    """What scipy has for the counts with these means."""
    of_counts = (
        scipy.stats.nbinom(dispersion, dispersion / (dispersion + mean))
        if "negative" in likelihood
        else scipy.stats.poisson(mean)
    )
    return Inflated(of_counts, gate_logits) if "zero" in likelihood else of_counts


def raw_of(likelihood, rng, *leading):
    """Outputs of the heads, with a dispersion from the network: logits, dispersions and gates, as many as it has."""
    heads = 1 + ("negative" in likelihood) + ("zero" in likelihood)
    return [rng.standard_normal((*leading, X)) for _ in range(heads)]


def truth(likelihood, library, logits, *others):
    """scipy's counts with the means l ρ, of library sizes ``(..., 1)``."""
    dispersion = np.logaddexp(0, others[0]) + 1e-4 if "negative" in likelihood else None
    return frozen(likelihood, library * scipy.special.softmax(logits, axis=-1), dispersion, others[-1] if others else 0)


def family(likelihood, library, data):
    """A family alone, with the library sizes of data."""
    made = model(likelihood, library, data).generator.family
    made.cast("float64")
    return made


@pytest.mark.parametrize("leading", [(7,), (3, 7)], ids=["(B, X)", "(k, B, X)"])
@every_kind
def test_the_log_mass_given_the_observed_library(likelihood, leading, rng):
    x, raw = counts(rng, 7), raw_of(likelihood, rng, *leading)
    of = family(likelihood, "observed", x)
    log_prob = of.distribution(*of.parameters(*map(nd64, raw))).log_prob(nd64(x)).asnumpy()
    expected = truth(likelihood, x.sum(1, keepdims=True), *raw).logpmf(x).sum(-1)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-9)


@pytest.mark.parametrize("bound", [gv.ELBO, lambda vae: gv.IWAE(vae, samples=3)], ids=["ELBO", "IWAE"])
@every_library
@every_kind
def test_bounds_in_both_modes(likelihood, library, bound, rng):
    vae = model(likelihood, library, counts(rng))
    vae.cast("float64")
    of = bound(vae)
    batches = [(nd64(counts(rng, batch)), noise_for(rng, of, batch, "float64")) for batch in (1, 7, 40, 7)]
    assert_modes_agree_in_float64(of, batches)


@every_kind
def test_without_counts_it_is_the_median_library(likelihood, rng):
    x, raw = counts(rng), raw_of(likelihood, rng, 1)
    raw = [np.repeat(of, 1000, 0) for of in raw]
    of = family(likelihood, "observed", x)
    p_x = of.distribution(*of.parameters(*map(nd64, raw)))
    expected = truth(likelihood, np.median(x.sum(1)), *raw)
    np.testing.assert_allclose(p_x.mean.asnumpy(), expected.mean(), rtol=1e-6)  # the median is a float32
    draws = p_x.sample().asnumpy()
    assert (abs(draws.mean(0) - expected.mean()[0]) < 5 * draws.std(0) / np.sqrt(1000)).all()
    likeliest = expected.logpmf(np.arange(100.0)[:, None, None]).max(0)
    np.testing.assert_allclose(expected.logpmf(p_x.mode.asnumpy()), likeliest, rtol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_reconstructions_have_the_library_of_the_data(mode, rng):
    x = counts(rng)
    vae = model("poisson", "observed", x)
    set_mode(vae, mode)
    totals = vae.generate_reconstructions(nd(x), 3, "mean").asnumpy().sum(-1)
    np.testing.assert_allclose(totals, np.broadcast_to(x.sum(1), (3, 40)), rtol=1e-5)
    draws = vae.generate_reconstructions(nd(np.repeat(x, 500, 0)), 1).asnumpy().sum(-1).reshape(40, 500)
    assert (abs(draws.mean(1) - x.sum(1)) < 5 * np.sqrt(x.sum(1) / 500)).all()  # a sum of Poissons is Poisson
    fresh = vae.phantasize(5, "mean").asnumpy().sum(-1)
    np.testing.assert_allclose(fresh, np.full(5, np.median(x.sum(1))), rtol=1e-5)


def test_a_row_without_counts_is_certain(rng):
    """With a library size of 0 every count is 0."""
    x = counts(rng)
    of = model("zero_inflated_negative_binomial", "observed", x).generator.family
    raw = [nd(of) for of in raw_of("zero_inflated_negative_binomial", rng, 5)]
    for tensor in raw:
        tensor.attach_grad()
    with mx.autograd.record():
        log_prob = of.distribution(*of.parameters(*raw)).log_prob(mx.nd.zeros((5, X)))
    log_prob.backward()
    assert (abs(log_prob.asnumpy()) < 1e-4).all()
    assert all(np.isfinite(tensor.grad.asnumpy()).all() for tensor in raw)


def heads_by_hand(net, seen):
    """What the heads of a generator return for what its body sees."""
    for layer in list(net.body)[::2]:  # each is followed by its activation
        seen = np.tanh(seen @ layer.weight.data().asnumpy().T + layer.bias.data().asnumpy())
    return [seen @ head.weight.data().asnumpy().T + head.bias.data().asnumpy() for head in net.heads]


def by_hand(vae, likelihood, x, noise, log_mean, log_std):
    """The ELBO of a model whose library is log-normal, by NumPy and scipy: its last latent variable is log l itself."""
    mean, std = (tensor.asnumpy() for tensor in vae.inference_net(nd64(x)))
    of_state = (mean[:, :-1], std[:, :-1])
    of_library = log_mean + log_std * mean[:, -1:], log_std * std[:, -1:]
    state = of_state[0] + of_state[1] * noise[:, :-1]
    library = np.exp(of_library[0] + of_library[1] * noise[:, -1:])
    logits, *others = heads_by_hand(vae.generator, state)
    log_likelihood = truth(likelihood, library, logits, *others).logpmf(x).sum(1)

    def kl(mean, std, prior_mean, prior_std):
        ratio = std / prior_std
        return (0.5 * (ratio**2 + ((mean - prior_mean) / prior_std) ** 2 - 1) - np.log(ratio)).sum(1)

    return log_likelihood - kl(*of_state, 0, 1) - kl(*of_library, log_mean, log_std)


@pytest.mark.parametrize("mode", MODES)
@every_kind
def test_the_bound_of_a_latent_library_is_that_of_a_log_normal_one(likelihood, mode, rng):
    x, noise = counts(rng), rng.standard_normal((40, D))
    options = {"dispersion": "network"} if "negative" in likelihood else {}
    vae = model(likelihood, "latent", x, likelihood_options=options)
    vae.cast("float64")
    vae.generator.family.adapt([x])
    bound = gv.ELBO(vae)
    set_mode(bound, mode)
    value = bound(nd64(x), nd64(noise)).asnumpy()
    logs = np.log(x.sum(1))
    np.testing.assert_allclose(value, by_hand(vae, likelihood, x, noise, logs.mean(), logs.std()), rtol=1e-9)


@every_library
@every_kind
def test_gradients_of_a_bound_are_those_of_differences(likelihood, library, rng):
    x = counts(rng, 5)
    vae = model(likelihood, library, x)
    vae.cast("float64")
    bound = gv.IWAE(vae, samples=3)
    noise = draw(rng, bound.noise, (3, 5), "float64")
    assert_slope_along_a_direction(bound, learned(bound), (nd64(x), noise), rng)


@pytest.mark.parametrize("extreme", [-200, 200])
@every_library
@every_kind
def test_everything_is_finite_at_extreme_outputs(likelihood, library, extreme, rng):
    of = model(likelihood, library, counts(rng)).generator.family
    raw = [nd(np.where(rng.random((64, X)) < 0.5, extreme, 0)) for _ in raw_of(likelihood, rng, 1)]
    latent = {"latent": nd(np.full((64, 1), extreme))} if library == "latent" else {}
    tensors = [*raw, *latent.values()]
    for tensor in tensors:
        tensor.attach_grad()
    with mx.autograd.record():
        p_x = of.distribution(*of.parameters(*raw, **latent))
        log_prob = p_x.log_prob(nd(rng.choice([0, 1, 1e4], (64, X))))
    log_prob.backward()
    for tensor in (log_prob, *(tensor.grad for tensor in tensors), p_x.mean, p_x.mode, p_x.sample()):
        assert np.isfinite(tensor.asnumpy()).all()


@pytest.mark.parametrize("when", ["before initialize", "afterwards"])
def test_adapt_takes_the_library_sizes_of_all_blocks(when, rng):
    x = counts(rng)
    totals = np.delete(x, [3, 20], 0).sum(1)
    x = x.astype("float64")
    x[3], x[20, 5] = 0, np.nan  # left out: a total that has no logarithm, and one that is not known
    for library, wanted in (
        ("observed", [np.median(totals)]),
        ("latent", [np.exp(np.log(totals).mean()), np.log(totals).std()]),
    ):
        vae = gv.construct_vae(likelihood="poisson", likelihood_options={"library": library}, data_dims=X)
        assert vae.generator.family.needs_adapting
        if when == "afterwards":
            vae.initialize()
            assert vae.generator.family.needs_adapting
        vae.generator.family.adapt([x[:15], x[15:]])
        if when == "before initialize":
            vae.initialize()
        of = vae.generator.family
        assert not of.needs_adapting
        found = [of.library_size, *([of.log_library_std] if library == "latent" else [])]
        np.testing.assert_allclose([p.data().asscalar() for p in found], wanted, rtol=1e-6)


def test_data_without_any_count_are_refused():
    with pytest.raises(ValueError, match="library='latent' takes library sizes from the data, and no row of them"):
        model("poisson", "latent", np.zeros((3, X)))


@every_library
def test_library_sizes_are_saved_with_the_parameters_and_not_trained(library, rng, tmp_path):
    x = counts(rng)
    vae = model("negative_binomial", library, x)
    gv.fit(gv.ELBO(vae), x.astype("float32"), epochs=2, batch_size=10, progress=False)
    vae.save_parameters(str(tmp_path / "parameters"))
    other = small_vae(likelihood="negative_binomial", likelihood_options={"library": library})
    other.load_parameters(str(tmp_path / "parameters"))
    noise = nd(rng.standard_normal((5, D)))
    images = [of.phantasize(5, "mean", noise).asnumpy() for of in (vae, other)]
    np.testing.assert_array_equal(*images)
    totals = x.sum(1)
    typical = np.median(totals) if library == "observed" else np.exp(np.log(totals).mean())
    assert other.generator.family.library_size.data().asscalar() == pytest.approx(typical, rel=1e-6)


@pytest.mark.parametrize("mode", MODES)
@every_library
def test_without_library_sizes_a_call_says_what_to_do(library, mode, rng):
    vae = small_vae(likelihood="poisson", likelihood_options={"library": library})
    set_mode(vae, mode)
    x = nd(counts(rng))
    for call in (lambda: vae(x), lambda: vae.phantasize(2), lambda: vae.generate_reconstructions(x, 2)):
        with pytest.raises(ValueError, match=rf"library='{library}' .*not known yet: call vae.adapt\(data\) first"):
            call()
    vae.generator.family.adapt([x.asnumpy()])
    assert np.isfinite(vae(x)[0].asnumpy()).all()


@pytest.mark.parametrize("library", [None, "observed", "latent"])
@every_kind
def test_a_batch_covariate_is_a_condition(likelihood, library, rng):
    x, label, z = counts(rng), np.eye(2)[np.arange(40) % 2], rng.standard_normal((40, D))
    options = {"dispersion": "network"} if "negative" in likelihood else {}
    vae = model(likelihood, library, x, label_size=2, likelihood_options=options)
    vae.cast("float64")
    vae.generator.family.adapt([x])
    seen = np.hstack([z[:, :-1] if library == "latent" else z, label])
    logits, *others = heads_by_hand(vae.generator, seen)
    totals, logs = x.sum(1, keepdims=True), np.log(x.sum(1))
    # l ρ is exp(logits) where l is the sum of those
    without = np.exp(logits).sum(1, keepdims=True)
    size = {None: without, "observed": totals, "latent": np.exp(logs.mean() + logs.std() * z[:, -1:])}[library]
    log_likelihood = vae.generator.log_likelihood(nd64(z), nd64(x), nd64(label)).asnumpy()
    np.testing.assert_allclose(log_likelihood, truth(likelihood, size, logits, *others).logpmf(x).sum(1), rtol=1e-9)


def test_a_model_learns_what_a_batch_does(rng):
    """In one of two batches the first half of the variables has four times the counts."""
    batch = np.arange(200) % 2
    rates = np.where((np.arange(X) < X // 2) & (batch[:, None] == 1), 8.0, 2.0)
    x = rng.poisson(rates * np.exp(0.5 * rng.standard_normal((200, 1)))).astype("float32")
    vae = model("negative_binomial", "latent", x, label_size=2, generator_layer_sizes=[])
    data = gv.data.Dataset(x, binarization="none", labels=np.eye(2)[batch])
    bound = gv.ELBO(vae)
    bound.hybridize(static_alloc=True)
    gv.fit(bound, data, epochs=30, batch_size=20, learning_rate=2e-2, progress=False)
    shares = []
    for label in (0, 1):
        expected = vae.phantasize(300, "mean", label=[label] * 300).asnumpy()
        shares.append((expected[:, : X // 2].sum(1) / expected.sum(1)).mean())
    # of the data 0.5 and 0.8; of a model that does not use the condition they are the same
    assert shares[1] - shares[0] == pytest.approx(0.3, abs=0.1)
