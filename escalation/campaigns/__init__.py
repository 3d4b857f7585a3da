r"""Campaigns: long runs that survive any kill, on any machine, to the same last byte.

A campaign is a folder::

    campaign.json     the plan: text of the study, seed, sizes, posterior, code; with checksum
    posterior.csv     copy of the posterior, if one is used
    parameters/*.sealed   values of all parameters, as exact numbers
    blocks/*.sealed   counts of one block each, see :mod:`escalation.campaigns.sealed`
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
"""

from escalation.campaigns.campaign import resume_campaign, run_campaign
from escalation.campaigns.status import campaign_status

__all__ = ["campaign_status", "resume_campaign", "run_campaign"]
