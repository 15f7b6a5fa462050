"""A worker of a group: it adds up what each has, and prints it; rank 0 starts the scheduler and the server."""

import ctypes
import os
import sys
import time

from gluonvae.backend.runtime import mx
from gluonvae.distributed.identity import identity_of
from gluonvae.distributed.rendezvous import root_of, worker_environment
from gluonvae.distributed.roles import Roles

identity = identity_of(os.environ)
root = root_of(identity, os.environ)
roles = Roles(root, identity.size) if identity.rank == 0 else None
os.environ.update(worker_environment(root, identity.size))
store = mx.kv.create("dist_sync")
values = mx.nd.array([1, 10**identity.rank])
store.init(0, values)
store.pushpull(0, values, out=values)
print(f"{identity.started_by} {identity.rank} of {identity.size}: {values.asnumpy().tolist()}", flush=True)
mx.base.check_call(mx.base._LIB.MXKVStoreSetBarrierBeforeExit(store.handle, ctypes.c_int(0)))
if roles:
    del store
    start = time.monotonic()
    roles.end(timeout=20)
    print(f"ended after {time.monotonic() - start:.1f} s", flush=True)
else:
    time.sleep(float(sys.argv[1]))  # as one that has more to do
    del store
