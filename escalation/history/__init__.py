"""The record and the model: likelihood, fit, forecasts and their scores, historical cases.

Imports `archive`, `simulation`, `model`, `results`, `statistics` and what they stand on.
"""
