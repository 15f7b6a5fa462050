"""Which worker a process is, by variables as Open MPI 4.1, MPICH 4.0, Slurm 22.05 and Horovod 0.28 set them."""

import pytest

from gluonvae.distributed.identity import Identity, identity_of

LAUNCH = {
    "GLUONVAE_RANK": "3",
    "GLUONVAE_SIZE": "4",
    "GLUONVAE_LOCAL_RANK": "1",
    "GLUONVAE_LOCAL_SIZE": "2",
    "GLUONVAE_ROOT": "node1:20000",
}
HOROVODRUN = {
    "HOROVOD_RANK": "1",
    "HOROVOD_SIZE": "2",
    "HOROVOD_LOCAL_RANK": "0",
    "HOROVOD_LOCAL_SIZE": "1",
    "HOROVOD_CROSS_RANK": "1",
    "HOROVOD_CROSS_SIZE": "2",
}
OPEN_MPI = {
    "OMPI_COMM_WORLD_RANK": "1",
    "OMPI_COMM_WORLD_SIZE": "2",
    "OMPI_COMM_WORLD_LOCAL_RANK": "1",
    "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
    "PMIX_NAMESPACE": "1369899009",
    "PMIX_RANK": "1",
}
MPICH = {"PMI_RANK": "1", "PMI_SIZE": "2", "PMI_FD": "8", "MPI_LOCALRANKID": "1", "MPI_LOCALNRANKS": "2"}
SRUN = {
    "SLURM_JOB_ID": "7",
    "SLURM_STEP_ID": "0",
    "SLURM_NTASKS": "11",
    "SLURM_PROCID": "8",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "2",
    "SLURM_STEP_NUM_TASKS": "11",
    "SLURM_STEP_TASKS_PER_NODE": "4(x2),3",
    "SLURM_STEP_NODELIST": "node[03-05]",
}
SRUN_FOR_MPI = {**SRUN, "PMI_RANK": "8", "PMI_SIZE": "11", "PMI_FD": "13", "PMI_JOBID": "7.0"}
SBATCH = {
    "SLURM_JOB_ID": "4",
    "SLURM_NTASKS": "2",
    "SLURM_NPROCS": "2",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0",
    "SLURM_TASKS_PER_NODE": "2",
}
SALLOC = {"SLURM_JOB_ID": "5", "SLURM_NTASKS": "2", "SLURM_TASKS_PER_NODE": "2", "SLURM_JOB_NODELIST": "vm"}
INTERACTIVE_STEP = {
    **SRUN,
    "SLURM_STEP_NUM_TASKS": "1",
    "SLURM_PROCID": "0",
    "SLURM_NODEID": "0",
    "SLURM_STEP_TASKS_PER_NODE": "1",
}

IN_MPIRUN = Identity(1, 2, 1, 2, "mpirun", "1369899009")
BY_HYDRA = Identity(1, 2, 1, 2, "mpirun")
IN_SRUN = Identity(8, 11, 0, 3, "srun", "7.0")


@pytest.mark.parametrize(
    ("environment", "identity"),
    [
        ({}, Identity()),
        (LAUNCH, Identity(3, 4, 1, 2, "gluonvae launch", "node1:20000")),
        (HOROVODRUN, Identity(1, 2, 0, 1, "horovodrun")),
        (OPEN_MPI, IN_MPIRUN),
        (MPICH, BY_HYDRA),
        (SRUN, IN_SRUN),
        (SRUN_FOR_MPI, IN_SRUN),
    ],
)
def test_each_starter(environment, identity):
    assert identity_of({**environment, "PATH": "/bin"}) == identity


@pytest.mark.parametrize(
    ("environment", "started_by"),
    [
        ({**SRUN, **MPICH, **OPEN_MPI, **HOROVODRUN, **LAUNCH}, "gluonvae launch"),
        ({**SRUN, **MPICH, **OPEN_MPI, **HOROVODRUN}, "horovodrun"),
        ({**SRUN, **OPEN_MPI}, "mpirun"),  # whose daemons are started by srun
        ({**SRUN, **MPICH}, "mpirun"),
        ({**SBATCH, **OPEN_MPI}, "mpirun"),
    ],
)
def test_the_innermost_counts(environment, started_by):
    assert identity_of(environment).started_by == started_by


@pytest.mark.parametrize(
    "environment",
    [
        SBATCH,
        SALLOC,
        INTERACTIVE_STEP,
        {
            **OPEN_MPI,
            "OMPI_COMM_WORLD_SIZE": "1",
            "OMPI_COMM_WORLD_RANK": "0",
            "OMPI_COMM_WORLD_LOCAL_SIZE": "1",
            "OMPI_COMM_WORLD_LOCAL_RANK": "0",
        },
    ],
    ids=["sbatch", "salloc", "interactive step", "mpirun -np 1"],
)
def test_a_process_alone(environment):
    assert identity_of(environment) == Identity()


@pytest.mark.parametrize(("tasks", "each"), [("2", [2]), ("1(x3)", [1, 1, 1]), ("4(x2),3,1(x2)", [4, 4, 3, 1, 1])])
def test_the_tasks_of_a_node_of_slurm(tasks, each):
    for node, number in enumerate(each):
        told = {"SLURM_STEP_TASKS_PER_NODE": tasks, "SLURM_NODEID": str(node), "SLURM_STEP_NUM_TASKS": "11"}
        assert identity_of({**SRUN, **told}).local_size == number


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"GLUONVAE_SIZE": "2"}, "variables of gluonvae launch must be whole numbers, got GLUONVAE_RANK=None"),
        (
            {**LAUNCH, "GLUONVAE_RANK": "4"},
            "rank of gluonvae launch must lie in 0 to the number of workers - 1, got 4 of 4",
        ),
        ({**OPEN_MPI, "OMPI_COMM_WORLD_RANK": "x"}, "variables of mpirun .* OMPI_COMM_WORLD_RANK='x'"),
        ({**OPEN_MPI, "OMPI_COMM_WORLD_LOCAL_SIZE": "3"}, "1 of 3 on this host"),
        ({**SRUN, "SLURM_NODEID": "3"}, r"variables of srun .* SLURM_STEP_TASKS_PER_NODE='4\(x2\),3'"),
        ({"MPI_LOCALNRANKS": "2", "MPI_LOCALRANKID": "0"}, "PMI_RANK=None"),
    ],
)
def test_variables_that_are_none(environment, message):
    with pytest.raises(ValueError, match=message):
        identity_of(environment)
