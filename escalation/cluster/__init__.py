"""Many machines: blocks of a run are played by the workers of a Dask cluster.

A block can be played anywhere, and counts are sums of integers, so the result is the one of a
single process, byte for byte, whatever the workers, their number and the order in which they
answer. A worker that is lost takes nothing with it: the scheduler gives its blocks to others. One
that joins late gets its share.

Modules
-------
station
    What runs on a worker: the study, compiled once, and one block at a time on all the threads
    that the worker was given.
player
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
