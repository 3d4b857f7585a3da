"""Exact distributions of disputes and histories, by linear algebra on the kernel's tables.

Written from the meaning of :class:`escalation.tables.Tables`, without the kernel: this package
imports neither `kernel` nor `engines`, and no number in it is sampled.
"""
