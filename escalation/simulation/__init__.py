r"""One run: its plan, its blocks, threads and other machines, its store, its progress.

Imports everything below it (results, model, kernel, study, parameters, contracts); nothing but
the command line and what draws, explains or compares finished runs imports it.

Campaigns
---------
Campaigns: long runs that survive any kill, on any machine, to the same last byte.

A campaign is a folder::

    campaign.json     the plan: text of the study, seed, sizes, posterior, code; with checksum
    posterior.csv     copy of the posterior, if one is used
    parameters/*.sealed   values of all parameters, as exact numbers
    blocks/*.sealed   counts of one block each, see :mod:`escalation.simulation.seals`
    journal.jsonl     one line for each file above, chained by hashes
    lock              held by the process at work
    results.nc        at the end

A block's file is written whole first, then its line in the journal. So after a kill a block is
either there or absent. What is there is not played again, what is absent is, and since counts of
a block depend on nothing but the study, the parameter values and the seed, the end is the same.

A campaign grows: more draws or trajectories add blocks and take none away. If :math:`J_k` draws
of :math:`n_k` trajectories are asked for in the k-th place, its blocks cover

.. math:: [0, J_k) \times [0, n_k) \;\setminus\; [0, J_{k-1}) \times [0, n_{k-1}),

two rectangles at most. Counts are sums, so the result does not depend on the way there.

Many machines
-------------
Many machines: blocks of a run are played by the workers of a Dask cluster.

A block can be played anywhere, and counts are sums of integers, so the result is the one of a
single process, byte for byte, whatever the workers, their number and the order in which they
answer. A worker that is lost takes nothing with it: the scheduler gives its blocks to others. One
that joins late gets its share.

Modules
-------
pool
    What runs on a worker: the study, compiled once, and one block at a time on all the threads
    that the worker was given.
worker
    What runs here: hands out blocks, a bounded number at a time, checks and unpacks what comes
    back.
connection
    Finds the scheduler, or starts a cluster on this machine that listens on loopback only.

Two things are checked besides: that every worker has the same source code as this process, before
a block is sent, and that its floating point agrees with the one here to the last bit, on its first
block. Another processor or mathematical library may round otherwise, and then tables differ.

Dask's messages are pickled, so whoever answers at the address can run code here, and whoever can
reach the scheduler can run code on the workers. Name only schedulers that you trust, on a network
that you trust or under TLS, which Dask's own configuration sets up. Nothing pickled is ever
written to a file.
"""
