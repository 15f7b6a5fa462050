"""Random programs of a user: what is called, summed and differentiated in what order.

Each runs on a model that is hybridised now and then, and step by step on the same model that never is.
"""

import random

import numpy as np

import gluonvae as gv
from gluonvae.backend.runtime import mx
from tests.helpers.gradients import learned
from tests.helpers.models import small_vae
from tests.helpers.modes import set_mode
from tests.helpers.tensors import draw, nd64, noise_for

# name: arguments of construct_vae; in all but the first some parameters are used several times in one bound
MODELS = {
    "gaussian": {},
    "learned prior": {"prior": "mixture", "prior_options": {"components": 3}},
    "prior of posteriors": {
        "latent_type": "iaf",
        "latent_options": {"flow_length": 2, "hidden_sizes": [5]},
        "prior": "vamp",
        "prior_options": {"components": 3},
    },
    "shared networks": {"latent_type": "ladder", "prior": "hierarchical", "latent_variable_size": [4, 3]},
}
BOUNDS = {
    "elbo": lambda vae: gv.ELBO(vae),
    "iwae": lambda vae: gv.IWAE(vae, samples=3, gradient="dreg"),
    "many samples": lambda vae: gv.IWAE(vae, samples=5),
}
TERMS = (*BOUNDS, "vae", "generator", "inference_net", "penalty")
FLOATS_AT_ONCE = 3 * 4 * 12
"""For :mod:`gluonvae.objectives.base`: so few that some of these batches and samples are computed in chunks."""


class World:
    """A model in float64, bounds over it, and what was recorded and not differentiated yet."""

    def __init__(self, model, seed):
        gv.seed(seed)
        self.vae, self.kept = small_vae(**MODELS[model]), []
        self.bounds = {name: make(self.vae) for name, make in BOUNDS.items()}
        self.blocks = {
            **self.bounds,
            "vae": self.vae,
            "generator": self.vae.generator,
            "inference_net": self.vae.inference_net,
        }
        self.vae.cast("float64")
        # sizes that are left to the first call
        self.term("elbo", 2, 0)

    def term(self, name, batch, seed):
        """A number that depends on parameters through one call of a block, or by itself."""
        if name == "penalty":
            return self.penalty()
        rng, block = np.random.default_rng(seed), self.blocks[name]
        inputs = [nd64(rng.integers(0, 2, (batch, 12)))]
        if name == "generator":
            inputs = [nd64(rng.standard_normal((batch, self.vae.prior.generator_latent_size)))]
        elif name == "vae":
            inputs.append(draw(rng, self.vae.inference_net.noise, (batch,), "float64"))
        elif name in BOUNDS:
            inputs.append(noise_for(rng, block, batch, "float64"))
        outputs = block(*inputs)
        outputs = outputs if isinstance(outputs, (list, tuple)) else (outputs,)
        return mx.nd.add_n(*((output * rng.uniform(0.5, 2)).sum() for output in outputs))

    def penalty(self):
        return mx.nd.add_n(*((parameter.data() ** 2).sum() for parameter in learned(self.vae)))

    def recorded(self, terms):
        with mx.autograd.record():
            return mx.nd.add_n(*(self.term(*term) for term in terms))

    def differentiate(self, *totals, of=None):
        # MXNet forgets what it has differentiated, also of a weight such as beta that a kept record has as well
        retain = bool(self.kept)
        if of is not None:
            return mx.autograd.grad(*totals, of, retain_graph=retain)
        return mx.autograd.backward(list(totals), retain_graph=retain)

    def gradients(self):
        return [parameter.grad().asnumpy() for parameter in learned(self.vae)]


def _terms(choice):
    """One to three terms: the same block may be among them twice."""
    count = choice.choice((1, 1, 2, 3))
    return [(choice.choice(TERMS), choice.choice((1, 4, 4, 7)), choice.randrange(1000)) for _ in range(count)]


# each act takes a random.Random, and returns what is done in a world; that may return arrays


def backward(choice):
    terms = _terms(choice)
    return lambda world: world.differentiate(world.recorded(terms))


def backward_twice(choice):
    terms = _terms(choice)

    def act(world):
        total = world.recorded(terms)
        total.backward(retain_graph=True)
        world.differentiate(total)

    return act


def backward_of_two_records(choice):
    one, other = _terms(choice), _terms(choice)
    return lambda world: world.differentiate(world.recorded(one), world.recorded(other))


def keep(choice):
    terms = _terms(choice)
    return lambda world: world.kept.append(world.recorded(terms))


def backward_of_kept(choice):
    return lambda world: world.differentiate(world.kept.pop(0)) if world.kept else None


def grad(choice):
    # a penalty, as each parameter must be in it
    terms = [*_terms(choice), ("penalty", 1, 0)]

    def act(world):
        of = [parameter.data() for parameter in learned(world.vae)]
        return [gradient.asnumpy() for gradient in world.differentiate(world.recorded(terms), of=of)]

    return act


def without_gradient(choice):
    terms = _terms(choice)
    return lambda world: [world.term(*term).asnumpy() for term in terms]


def estimates(choice):
    data = np.random.default_rng(choice.randrange(1000)).integers(0, 2, (5, 12)).astype(np.float32)

    def act(world):
        likelihood = gv.log_marginal_likelihood(world.vae, data, samples=20).log_likelihood
        return [np.array(gv.evaluate(world.blocks["iwae"], data)[:3]), likelihood]

    return act


def request(choice):
    requests = choice.choice((["add"], ["write"], ["null", "write"]))

    def act(world):
        world.kept, parameters = [], learned(world.vae)
        for value in requests:
            for parameter in parameters:
                parameter.grad_req = value

    return act


def new_values(choice):
    seed = choice.randrange(1000)

    def act(world):
        world.kept, rng = [], np.random.default_rng(seed)
        for parameter in learned(world.vae):
            parameter.set_data(parameter.data() + nd64(0.01 * rng.standard_normal(parameter.shape)))

    return act


ACTS = {
    backward: 6,
    backward_twice: 1,
    backward_of_two_records: 1,
    keep: 2,
    backward_of_kept: 2,
    grad: 1,
    without_gradient: 1,
    estimates: 1,
    request: 1,
    new_values: 1,
}


def run(model, seed, length=20):
    """Run a program; return the names of what was done until a gradient or result was wrong, or None if none was."""
    choice, done = random.Random(seed), []
    hybridised, imperative = World(model, seed), World(model, seed)
    for bound in hybridised.bounds.values():
        set_mode(bound, "static_shape")
    for _ in range(length):
        if choice.random() < 0.15:
            block = choice.choice(list(hybridised.blocks))
            mode = choice.choice(("static_shape", "static_shape", "static_alloc", "hybrid"))
            set_mode(hybridised.blocks[block], mode)
            done.append(f"{mode} {block}")
        (make,) = choice.choices(list(ACTS), list(ACTS.values()))
        act = make(choice)
        done.append(make.__name__)
        got, want = ([*(act(world) or ()), *world.gradients()] for world in (hybridised, imperative))
        if not all(map(_close, got, want)):
            return done
    return None


def _close(one, other):
    return np.allclose(one, other, rtol=1e-8, atol=1e-8 * max(1, abs(other).max()))
