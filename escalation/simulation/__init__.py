r"""One run: its plan, its blocks, threads and other machines, its store, its progress.

Imports everything below it (results, model, kernel, study, parameters, contracts); nothing but
the command line and what draws, explains or compares finished runs imports it.

Campaigns
---------
A campaign is a run with a store: it survives any kill, on any machine, to the same last byte. It
is a folder::

    campaign.sqlite3   what is asked, parameter values, and the counts of every block
    lock               held by the process at work
    results.nc         at the end

A block is written in one transaction, so after a kill it is either there or absent. What is
there is not simulated again, what is absent is, and since counts of a block depend on nothing but
the study, the parameter values and the seed, the end is the same. Every row carries a checksum,
and all rows together a sum: see :mod:`escalation.simulation.database`.

A campaign grows: more draws or trajectories add blocks and take none away. If :math:`J_k` draws
of :math:`n_k` trajectories are asked for at the k-th time, its blocks cover

.. math:: [0, J_k) \times [0, n_k) \;\setminus\; [0, J_{k-1}) \times [0, n_{k-1}),

two rectangles at most. Counts are sums, so the result does not depend on the way there.

Many machines
-------------
Blocks of a run can be simulated by the workers of a Dask cluster, anywhere, and counts are sums
of integers, so the result is the one of a single process, byte for byte, whatever the workers,
their number and the order in which they answer. A worker that is lost takes nothing with it: the
scheduler gives its blocks to others. One that joins late gets its share.

Modules
-------
run, execution
    :func:`escalation.run`, and the parts of a plan that it executes.
plan, workload, parameter_source
    How much is simulated, cut into blocks, with which parameters.
simulator, threads, accumulate
    One block on the threads of this machine, and counts added up.
store, database, manifest, lock, status
    Campaigns.
stopping, footprint
    Precision targets, and what needs too much memory.
worker, pool, connection, watch
    Other machines: blocks handed out here, simulated there, the scheduler found, and patience.

Two things are checked besides: that every worker has the same source code as this process, before
a block is sent, and that its floating point agrees with the one here to the last bit, on its first
block. Another processor or mathematical library may round otherwise, and then tables differ.

Dask's messages are pickled, so whoever answers at the address can run code here, and whoever can
reach the scheduler can run code on the workers. Name only schedulers that you trust, on a network
that you trust or under TLS, which Dask's own configuration sets up. Nothing pickled is ever
written to a file.
"""
