"""What every closure of an expression is called with."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from releaseapp.expressions.budget import Budget


class Scope(msgspec.Struct):
    """What an expression sees, and what it may still do."""

    variables: Mapping[str, Any]
    budget: Budget


Evaluator = Callable[[Scope], Any]
