"""Exact distributions of disputes and histories, by linear algebra on the kernel's tables.

Written from the meaning of :class:`escalation.contracts.tables.Tables`, without the kernel: no
module here but `verify`, which holds the two against each other, imports `kernel`, `model` or
`simulation`, and no number in it is sampled.
"""
