"""Dataset in, Dataset out: comparison of structures, drivers, thresholds, trade-offs.

Imports `results`, `statistics`, `parameters` and what they stand on; never the kernel.
"""
