"""A language model's work and memory in its tokens: arXiv 1706.03762, table 1, on a LLaMA's layers.

The law is derived from the decoder layer of `flopscope.analytic.mobilevlm` with one head, because
heads only divide the width among them and change no product.
"""

from __future__ import annotations

from fractions import Fraction

import sympy

from flopscope.analytic.mobilevlm import DecoderSizes, decoder_layer
from flopscope.analytic.operators import linear
from flopscope.analytic.tape import Feature, record
from flopscope.closedform.sympify import sympy_symbol, to_sympy
from flopscope.laws.parts import Law, Step, Worked, letter, macs, model_ledger
from flopscope.ledger import Ledger
from flopscope.sizes import Size, elements, total
from flopscope.symbolic import symbol

B, C, F, V = (symbol(name) for name in ("B", "C", "F", "V"))
TOKENS = symbol("n")
b, c, f, v, n, m = (sympy_symbol(name) for name in ("B", "C", "F", "V", "n", "m"))
LAYERS = sympy_symbol("L")

NETWORKS = ("mobilevlm_v2_1.7b", "mobilevlm_v2_3b")
TEXTS = (112, 368, 880, 1904)  # with the image's 144 tokens 256, 512, 1024, 2048
HALF = 2  # bytes of a float16


def derive() -> Law:
    """The cost of n tokens at once and of one more token after n − 1, and the size of what is kept
    in between."""
    scores = macs(record(lambda x: linear(x, V, bias=False), (B, 1, C)))
    at_once = sympy.expand(LAYERS * macs(_layer(TOKENS, ())) + n * scores)
    step = sympy.expand(LAYERS * macs(_layer(1, _past(TOKENS - 1))) + scores)
    steps = sympy.factor(sympy.summation(step.subs(n, m), (m, 1, n)))
    attention = at_once.coeff(n, 2) * n**2
    doubled = sympy.expand(at_once.subs(n, 2 * n) - 2 * at_once)
    (crossing,) = sympy.solve(sympy.cancel((LAYERS * _linear_part() * n - attention) / n), n)
    return Law(
        Step("Twice the tokens are twice the work and", letter("M_2n") - 2 * letter("M"), doubled),
        (
            Step("MACs of n tokens at once (prefill)", letter("M"), sympy.collect(at_once, n)),
            Step("of which are attention", letter("M_a"), attention),
            Step(
                "which is less than the layers' other products where",
                n,
                sympy.expand(crossing),
                "<",
            ),
            Step(
                "MACs of token n after the others, whose keys and values are kept (decode)",
                letter("M_n"),
                sympy.collect(step, n),
            ),
            Step("and all n one by one", letter("M_each"), sympy.collect(sympy.expand(steps), n)),
            Step(
                "so all at once costs more: the pairs that the mask hides",
                letter("M") - letter("M_each"),
                sympy.factor(sympy.expand(at_once - steps)),
            ),
            Step("keys and values kept after n tokens, elements", letter("E"), LAYERS * _kept()),
        ),
        "every head has its own keys and values; a mask hides pairs that were multiplied; "
        "every position gets scores",
        tuple(_worked(model) for model in NETWORKS),
        {
            "n": "tokens, an image's among them",
            "C": "width",
            "F": "hidden width of the MLP",
            "L": "layers",
            "V": "vocabulary",
        },
    )


def _layer(tokens: Size, past: tuple[tuple[Size, ...], ...]) -> Ledger:
    def network(x: Feature, *kept: Feature) -> Feature:
        angle = Feature(x.tape, (tokens, C), source=-4)
        return decoder_layer(x, DecoderSizes(C, F, 1, 1), (angle, angle), None, kept)

    return record(network, (B, tokens, C), *past)


def _past(tokens: Size) -> tuple[tuple[Size, ...], ...]:
    """The shapes of the keys and values of earlier tokens."""
    return ((B, 1, tokens, C),) * 2


def _linear_part() -> sympy.Expr:
    """The MACs for a token in one layer that do not depend on the other tokens."""
    return sympy.expand(macs(_layer(TOKENS, ()))).coeff(n, 1)


def _kept() -> sympy.Expr:
    """The elements of one layer's keys and values, including those of the last token."""
    return to_sympy(_cache_elements(_layer(1, _past(TOKENS - 1))))


def _cache_elements(ledger: Ledger) -> Size:
    rows = (row for row in ledger.rows if row.path.rpartition(".")[2] in ("cache_k", "cache_v"))
    return total(elements(row.output) for row in rows)


def _worked(model: str) -> Worked:
    rows = []
    for text in TEXTS:
        at_once = _language(model_ledger(model, tokens=text))
        step = _language(model_ledger(f"{model}:phase=decode", tokens=text))
        whole = int(at_once.macs())
        pairs = int(at_once.filter(lambda row: row.path.endswith((".scores", ".mix"))).macs())
        pairs -= int(at_once.filter(lambda row: row.path == "language_model.scores").macs())
        rows.append(
            (
                text,
                at_once.rows[-1].output[1],
                whole,
                Fraction(100 * pairs, whole),
                int(step.macs()),
                HALF * int(_cache_elements(step)),
            )
        )
    return Worked(
        f"MACs of the language model of {model}, with an image's 144 tokens before the text's, "
        "and the bytes of its keys and values in float16:",
        ("text", "n", "prefill", "attention %", "decode", "bytes kept"),
        tuple(rows),
    )


def _language(ledger: Ledger) -> Ledger:
    return ledger.filter(lambda row: row.path.startswith("language_model.") and bool(row.inputs))
