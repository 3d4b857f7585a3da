"""The integer kernel: draws, looks up, compares and counts. Holds no model constant.

Imports `contracts` and nothing else of ours.
"""
