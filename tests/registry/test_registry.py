"""Names of classes, in any spelling."""

import pytest

from gluonvae import checks
from gluonvae.registry import Registry

SPELLINGS = ["bernoulli_prod", "bernoulliProd", "BernoulliProd", "BERNOULLI-PROD", "bernoulliprod"]


class Bernoulli:
    def __init__(self, size, scale=1.0):
        self.size, self.scale = size, scale


class RealNVP:
    pass


@pytest.fixture
def registry():
    registry = Registry("likelihood")
    assert registry.register("bernoulli_prod")(Bernoulli) is Bernoulli
    registry.register("real_nvp")(RealNVP)
    return registry


@pytest.mark.parametrize("name", SPELLINGS)
def test_every_spelling_finds_the_class(registry, name):
    assert name in registry
    assert registry[name] is registry.get(name) is Bernoulli
    assert registry.canonical(name) == checks.known_name("kind", name, registry) == "bernoulli_prod"
    assert registry.make(name, {"scale": 2.0}, size=3).scale == 2.0


def test_iteration_gives_the_names_as_registered(registry):
    assert list(registry) == ["bernoulli_prod", "real_nvp"]
    assert dict(registry) == {"bernoulli_prod": Bernoulli, "real_nvp": RealNVP}
    assert len(registry) == 2
    assert registry.canonical("realNVP") == "real_nvp"


@pytest.mark.parametrize("name", ["bernoulli", "", None, 3, ["real_nvp"]])
def test_what_is_no_name_is_not_found(registry, name):
    assert name not in registry
    assert registry.get(name) is None
    assert registry.get(name, RealNVP) is RealNVP
    for find in (registry.canonical, registry.make, lambda name: checks.known_name("likelihood", name, registry)):
        with pytest.raises(ValueError, match="likelihood must be one of bernoulli_prod, real_nvp, got "):
            find(name)


def test_unknown_key(registry):
    with pytest.raises(KeyError, match="poisson"):
        registry["poisson"]


@pytest.mark.parametrize("name", ["bernouliProd", "BernoulliProt", "Bernoulli-Pro", "bernulli_prod"])
def test_the_most_similar_name_is_proposed_whatever_the_spelling(registry, name):
    with pytest.raises(ValueError, match=f"got '{name}'; did you mean 'bernoulli_prod'"):
        registry.canonical(name)


def test_messages_show_the_registered_name(registry):
    with pytest.raises(
        ValueError, match="an option of the likelihood 'bernoulli_prod' must be one of scale, got 'scal'"
    ):
        registry.make("bernoulliProd", {"scal": 1}, size=3)
    with pytest.raises(
        ValueError, match="an option of the likelihood 'bernoulli_prod' must be one of scale, got 'Scale'"
    ):
        registry.make("bernoulliProd", {"Scale": 1}, size=3)
    with pytest.raises(ValueError, match="size of the likelihood 'bernoulli_prod' is given twice"):
        registry.make("bernoulliProd", {"size": 1}, size=3)
    with pytest.raises(ValueError, match="the likelihood 'bernoulli_prod' needs its option size"):
        registry.make("bernoulliProd")
    with pytest.raises(ValueError, match="the likelihood 'real_nvp' has no options, got 'scale'"):
        registry.make("realNVP", {"scale": 1})


def test_a_second_spelling_cannot_be_registered(registry):
    with pytest.raises(ValueError, match="the likelihood 'realNVP' is another spelling of 'real_nvp'"):
        registry.register("realNVP")
    assert registry.register("real_nvp")(Bernoulli) is registry["realNVP"]


@pytest.mark.parametrize("known", [["one_hot", "mean"], ("one_hot", "mean"), {"one_hot": 1, "mean": 2}])
def test_names_that_are_not_registered_are_exact(known):
    assert checks.known_name("image", "one_hot", known) == "one_hot"
    for name in ("oneHot", "One_Hot", "one-hot"):
        with pytest.raises(
            ValueError, match=f"image must be one of mean, one_hot, got '{name}'; did you mean 'one_hot'"
        ):
            checks.known_name("image", name, known)
    with pytest.raises(ValueError, match=r"got \['mean'\]"):
        checks.known_name("image", ["mean"], known)
