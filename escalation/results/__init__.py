"""Results: the registry of variables, the annotated dataset, estimates and files.

Imports `statistics`, `contracts` and `errors`; opens without the compiler.
"""

from escalation.results.build import build_dataset, check_dataset, empty_dataset
from escalation.results.derive import with_probabilities
from escalation.results.files import check_output, open_results, save_results
from escalation.results.variables import ATTRIBUTES, FORMAT_VERSION, VARIABLES, Variable

__all__ = [
    "ATTRIBUTES",
    "FORMAT_VERSION",
    "VARIABLES",
    "Variable",
    "build_dataset",
    "check_dataset",
    "check_output",
    "empty_dataset",
    "open_results",
    "save_results",
    "with_probabilities",
]
