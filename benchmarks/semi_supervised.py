"""How many digits does a model recognise that was told the labels of 100? Accuracy on test images.

GLUONVAE_DATA=FOLDER python benchmarks/semi_supervised.py                 full MNIST, 100 labels
python benchmarks/semi_supervised.py --data digits --labels 50            on the digits that come along

The model M2 of Kingma et al. 2014, with hidden layers of 500 and 30 latent variables. The classifier is first trained
alone, on the labelled images; what it reaches so is printed. Then all is trained together, the classifier at a tenth
of the learning rate: as long as the generator makes nothing of labels, images without one teach the classifier to
tell nothing, and at the full rate it has forgotten by the time that the generator has learnt.
"""

from __future__ import annotations

import argparse
import time

import machine
import numpy as np

import gluonvae as gv
from gluonvae.backend.runtime import mx

CLASSIFIER_STEPS = 1000
CLASSIFIER_RATE = 0.1
"""Of the learning rate of all else."""


def model() -> gv.SemiSupervisedVAE:
    vae = gv.SemiSupervisedVAE(
        gv.ProductOfBernoullisGenerator(784, [500], "relu"),
        gv.GaussianInferenceNetwork(30, [500], "relu"),
        label_size=10,
    )
    vae.initialize()
    return vae


def train(
    vae: gv.SemiSupervisedVAE, train_set: gv.data.Dataset, valid: gv.data.Dataset, options: argparse.Namespace
) -> None:
    bound = gv.SemiSupervisedELBO(vae, alpha=options.alpha)
    bound.hybridize(static_alloc=True, static_shape=True)
    vae.classifier.collect_params().setattr("lr_mult", CLASSIFIER_RATE)

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


def train_classifier(vae: gv.SemiSupervisedVAE, train_set: gv.data.Dataset, options: argparse.Namespace) -> None:
    """Train it alone, on the labelled images."""
    labelled = train_set.subset(np.flatnonzero(train_set.labels >= 0))
    trainer = mx.gluon.Trainer(vae.classifier.collect_params(), "adam", {"learning_rate": options.learning_rate})
    loss_of = mx.gluon.loss.SoftmaxCrossEntropyLoss()
    for _ in range(CLASSIFIER_STEPS):
        rows = gv.noise.source.permutation(len(labelled))[: options.batch_size]
        with mx.autograd.record():
            loss = loss_of(vae.classifier(mx.nd.array(labelled.batch(rows))), mx.nd.array(labelled.labels[rows]))
        loss.backward()
        trainer.step(len(rows))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--data", default="mnist")
    asked.add_argument("--labels", type=int, default=100)
    asked.add_argument("--share", type=float, default=0.02, help="of images with a label in training")
    asked.add_argument("--alpha", type=float, default=50.0, help="weight of log q(y | x)")
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
    vae = model()
    train_classifier(vae, few, options)
    print(f"classifier alone: test accuracy {gv.accuracy(vae, splits.test):.4f}", flush=True)
    started = time.perf_counter()
    train(vae, few, splits.valid, options)
    bound = gv.evaluate(gv.ELBO(vae), splits.test)
    print(
        f"M2: test accuracy {gv.accuracy(vae, splits.test):.4f}, bound on log p(x, y) {bound.bound:.2f}, "
        f"{time.perf_counter() - started:.0f} s"
    )
    if options.picture:
        gv.plots.plot_images(vae.phantasize(100, "mean", label=np.repeat(np.arange(10), 10)), options.picture)


if __name__ == "__main__":
    main()
