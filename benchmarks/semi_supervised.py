"""How many digits does a model recognise that was told the labels of 100? Accuracy on test images.

GLUONVAE_DATA=FOLDER python benchmarks/semi_supervised.py                 full MNIST, 100 labels
python benchmarks/semi_supervised.py --data digits --labels 50            on the digits that come along

The model M2 of Kingma et al. 2014: hidden layers of 500, 500 in the generator and the inference network and of 500 in
the classifier, 50 latent variables. The classifier alone, trained on the labelled images and nothing else for as many
steps, is what the others are worth more than.
"""

from __future__ import annotations

import argparse
import time

import machine
import numpy as np

import gluonvae as gv
from gluonvae.runtime import mx


def model() -> gv.SemiSupervisedVAE:
    vae = gv.SemiSupervisedVAE(
        gv.ProductOfBernoullisGenerator(784, [500, 500], "relu"),
        gv.GaussianInferenceNetwork(50, [500, 500], "relu", shared_layers=None),
        label_size=10,
    )
    vae.initialize()
    return vae


def train(train_set: gv.data.Dataset, valid: gv.data.Dataset, options: argparse.Namespace) -> gv.SemiSupervisedVAE:
    vae = model()
    bound = gv.SemiSupervisedELBO(vae, alpha=options.alpha)
    bound.hybridize(static_alloc=True, static_shape=True)

    def report(metrics: dict[str, float]) -> None:
        print(
            f"epoch {metrics['epoch']}: training bound {metrics['train_bound']:.2f}, validation accuracy "
            f"{gv.accuracy(vae, valid):.4f}, {metrics['seconds']:.0f} s",
            flush=True,
        )

    steps = options.epochs * -(-len(train_set) // options.batch_size)
    gv.fit(
        bound,
        train_set,
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=gv.schedules.cosine(options.learning_rate, 0.01 * options.learning_rate, steps),
        callbacks=[report],
        progress=False,
    )
    return vae


def classifier_alone(train_set: gv.data.Dataset, options: argparse.Namespace) -> gv.SemiSupervisedVAE:
    """The same classifier, trained on the labelled images alone."""
    vae, labelled = model(), train_set.subset(np.flatnonzero(train_set.labels >= 0))
    trainer = mx.gluon.Trainer(vae.classifier.collect_params(), "adam", {"learning_rate": options.learning_rate})
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    for _ in range(2000):
        rows = gv.noise.source.permutation(len(labelled))[: options.batch_size]
        with mx.autograd.record():
            loss = loss_of(vae.classifier(mx.nd.array(labelled.batch(rows))), mx.nd.array(labelled.labels[rows]))
        loss.backward()
        trainer.step(len(rows))
    return vae


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--data", default="mnist")
    asked.add_argument("--labels", type=int, default=100)
    asked.add_argument("--share", type=float, default=0.1, help="of images with a label in training")
    asked.add_argument("--alpha", type=float, default=1.0, help="weight of log q(y | x)")
    asked.add_argument("--epochs", type=int, default=30)
    asked.add_argument("--batch-size", type=int, default=100)
    asked.add_argument("--learning-rate", type=float, default=1e-3)
    asked.add_argument("--seed", type=int, default=7)
    asked.add_argument("--picture", help="file of images made up, a row a class")
    options = asked.parse_args()
    print(machine.describe())
    print(options)
    splits = gv.data.load(options.data)
    gv.seed(options.seed)
    few = gv.data.keep_few_labels(splits.train, options.labels, options.share, options.seed)
    print(f"classifier alone: accuracy {gv.accuracy(classifier_alone(few, options), splits.test):.4f}", flush=True)
    gv.seed(options.seed)
    started = time.perf_counter()
    vae = train(few, splits.valid, options)
    bound = gv.evaluate(gv.ELBO(vae), splits.test)
    print(
        f"M2: test accuracy {gv.accuracy(vae, splits.test):.4f}, bound on log p(x, y) {bound.bound:.2f}, "
        f"{time.perf_counter() - started:.0f} s"
    )
    if options.picture:
        gv.plots.plot_images(vae.phantasize(100, "mean", label=np.repeat(np.arange(10), 10)), options.picture)


if __name__ == "__main__":
    main()
