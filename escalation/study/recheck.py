"""A study that was changed in Python, looked at again before it is played.

``model_copy(update=...)`` checks nothing, so that a stake of a billion, or a horizon that is
no number, would otherwise reach the tables.
"""

from __future__ import annotations

import warnings

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from escalation.errors import InputError
from escalation.study.names import shown, suggestion
from escalation.study.schema import Study


def recheck(study: Study) -> None:
    """Hold a study against its schema again.

    Raises
    ------
    InputError
        Something in it is none of what may stand there; the message names the first.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of values of the wrong type, which are refused below
            text = study.model_dump_json(exclude={"text"})
        # Theatres and structures that a smaller study no longer has may still be spoken of.
        known = {"actors": list(study.actors), "parameters": study.parameters}
        Study.model_validate_json(text, context=known)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "study"
        raise InputError(f"{place}: {first['msg']}") from None
    except (PydanticSerializationError, AttributeError, TypeError, ValueError) as error:
        raise InputError(f"study: cannot be played as it stands: {error}") from None
    if study.reference not in study.structures:
        choices = suggestion(str(study.reference), study.structures)
        raise InputError(f"reference: unknown structure {shown(study.reference)} {choices}")
