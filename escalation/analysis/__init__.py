"""Tables of history in, scores out: how the model's probabilities compare with what happened."""
