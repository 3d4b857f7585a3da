"""The model: words become numbers here, and only here.

`draws` turns priors into parameter draws, `alliance` reads obligations off a structure,
`inputs` gathers the floating-point numbers of a cell, `expected_utility` and `prospect_theory` are
decision rules, and `compile` turns all of it into the kernel's integer tables.

Imports `kernel`, `study`, `parameters`, `contracts`.
"""
