"""A loop of one's own over MXNet's KVStore, whose scheduler and server ``gluonvae launch`` has started."""

import re

from gluonvae.launching.launcher import launch
from gluonvae.launching.outcome import Outcome
from tests.helpers.groups import marked, plan

SUM = """
host, port = os.environ["GLUONVAE_ROOT"].split(":")
os.environ.update(DMLC_ROLE="worker", DMLC_PS_ROOT_URI=host, DMLC_PS_ROOT_PORT=port, DMLC_NUM_SERVER="1")
os.environ.update(DMLC_NUM_WORKER=os.environ["GLUONVAE_SIZE"], DMLC_NODE_HOST=os.environ["GLUONVAE_NODE_HOST"])
import gluonvae
from gluonvae.backend.runtime import mx

store, value = mx.kv.create("dist_sync"), mx.nd.array([1, 10]) * (rank + 1)
store.init(0, mx.nd.zeros(2))
store.pushpull(0, value, out=value)
print(value.asnumpy().tolist())
"""


def test_workers_sum_by_the_kvstore(tmp_path, capfd):
    with marked():
        outcome = launch(plan(tmp_path, SUM, size=3))
    printed = capfd.readouterr()
    assert outcome == Outcome(0), printed.err
    assert sorted(re.findall(r"^\[\d\] .*$", printed.out, re.MULTILINE)) == [
        f"[{rank}] [6.0, 60.0]" for rank in range(3)
    ]
