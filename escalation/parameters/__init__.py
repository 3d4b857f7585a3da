"""Parameters: registry, priors, posterior. Imports `statistics` and `errors`."""
