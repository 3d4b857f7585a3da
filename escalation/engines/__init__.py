"""Engines: take tables, a seed and a range of trajectory numbers, and return tallies."""
