"""The record as files: tables of disputes and crises, and the public downloads they come from.

Imports `errors` alone.
"""
