"""Statistics as a small library of numpy and scipy.

Intervals, noise, copula, curves of one parameter, shares of variance, boxes, scores: it knows no
Dataset and no word of ours, imports `errors` alone, and is tested alone.
"""
