"""Results: the registry of variables, the annotated dataset, estimates and files.

Imports `statistics`, `contracts` and `errors`; opens without the compiler.
"""

from escalation.results.build import build_dataset, check_dataset, empty_dataset
from escalation.results.derive import with_probabilities
from escalation.results.estimates import estimates
from escalation.results.files import open_results, save_results
from escalation.results.quantities import QUANTITIES, RISKS
from escalation.results.variables import ATTRIBUTES, FORMAT_VERSION, VARIABLES, Variable

__all__ = [
    "ATTRIBUTES",
    "FORMAT_VERSION",
    "QUANTITIES",
    "RISKS",
    "VARIABLES",
    "Variable",
    "build_dataset",
    "check_dataset",
    "empty_dataset",
    "estimates",
    "open_results",
    "save_results",
    "with_probabilities",
]
