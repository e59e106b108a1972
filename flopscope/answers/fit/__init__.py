"""Laws through values: exact fits, and the forms that are recognised.

`fits` solves for coefficients in exact arithmetic; `forms` lists the sums of powers, floors and
logarithms that are tried, simple ones first. A form counts only if more values agree with it than
were needed to compute it.
"""

from flopscope.answers.fit.fits import Fit, Vector, contradict, fit
from flopscope.answers.fit.forms import Book, Form, floors_in, needed, turns, values_at

__all__ = [
    "Book",
    "Fit",
    "Form",
    "Vector",
    "contradict",
    "fit",
    "floors_in",
    "needed",
    "turns",
    "values_at",
]
