"""Where a formula holds: conditions on its symbols, solved for one size and put together."""

from flopscope.domain.checks import (
    bindings,
    breaking,
    check_bindings,
    check_conditions,
    having_a_value,
    require,
)
from flopscope.domain.conditions import (
    AtLeast,
    Condition,
    Multiple,
    Relation,
    is_limit,
    without_common_factors,
)
from flopscope.domain.members import Members
from flopscope.domain.truths import settled

__all__ = [
    "AtLeast",
    "Condition",
    "Members",
    "Multiple",
    "Relation",
    "bindings",
    "breaking",
    "check_bindings",
    "check_conditions",
    "having_a_value",
    "is_limit",
    "require",
    "settled",
    "without_common_factors",
]
