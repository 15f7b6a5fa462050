"""Training and evaluation by several processes, on one machine or several, which share their gradients.

``gluonvae launch``, mpirun, srun and horovodrun start such a group. :func:`gluonvae.fit`, :func:`gluonvae.evaluate`,
:func:`gluonvae.kl_by_layer`, :func:`gluonvae.log_marginal_likelihood` and :class:`gluonvae.Trainer` are then of all
workers together: each of them has to call these, with the same arguments. In a loop of one's own each takes its part
of every batch::

    group = gluonvae.distributed.current()
    trainer = gluonvae.Trainer(vae.collect_params(), "adam", {"learning_rate": 1e-3})
    for rows in batches:
        part = group.part(len(rows))
        noise = bound.draw_noise(len(rows))
        if part.start < part.stop:
            with autograd.record():
                loss = -bound(data[rows[part]], gluonvae.distributed.rows_of(noise, part))
            loss.backward()
        trainer.step(len(rows))

Only where batches have fewer data points than there are workers may a part be empty.

Where the links are slow, workers may take several steps by themselves before their parameters are averaged (local
steps, McMahan et al. 2017). The result then depends on the number of workers::

    with gluonvae.distributed.alone():  # a trainer that sums no gradients
        trainer = gluonvae.Trainer(vae.collect_params(), "adam", {"learning_rate": 1e-3})
    group.average(vae.collect_params())  # all workers start from the same
    for number, rows in enumerate(batches, 1):
        part = group.part(len(rows))
        noise = bound.draw_noise(len(rows))
        with autograd.record():
            loss = -bound(data[rows[part]], gluonvae.distributed.rows_of(noise, part))
        loss.backward()
        trainer.step(part.stop - part.start)
        if number % 8 == 0:
            group.average(vae.collect_params())
"""

from .group import Group
from .joining import alone, current
from .sharing import rows_of

__all__ = ["Group", "alone", "current", "rows_of"]
