"""The record: tables of disputes and crises, their likelihood, the fit, forecasts and cases.

Imports `simulation`, `model`, `results`, `statistics` and what they stand on.
"""
