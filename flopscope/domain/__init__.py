"""Where a formula holds: conditions on its symbols, solved for one size and put together."""

from flopscope.domain.conditions import (
    AtLeast,
    Condition,
    Members,
    Multiple,
    Relation,
    bindings,
    breaking,
    check_bindings,
    check_conditions,
    having_a_value,
    is_limit,
    require,
    settled,
    without_common_factors,
)

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
