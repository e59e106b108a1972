"""What fvcore and torch count of a run, what they skip, and that no trace of the run is left.

Expected counts are derived where they are asserted.
"""

import logging
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from witnesses import Calls

from flopscope.errors import BadInput
from flopscope.facts import Kind
from flopscope.measured import Skipped, measure, without_memory

# --- counts by class and module ---------------------------------------------------------------


def small_network() -> nn.Module:
    """Convolution 3→4 by 3×3 without padding, then a linear layer 4→5 on the mean."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 5),
    )


def test_counts_of_a_network_derived_by_hand() -> None:
    measured = measure(without_memory(small_network), (2, 3, 6, 7))
    positions = 2 * 4 * 5  # batch, (6 − 2) rows, (7 − 2) columns
    convolution, linear = positions * 4 * 3 * 9, 2 * 4 * 5
    classes = {Kind.CONVOLUTION: convolution, Kind.LINEAR: linear, Kind.MATMUL: 0}
    modules = {"": convolution + linear, "0": convolution, "1": 0, "2": 0, "3": 0, "4": linear}
    for counts in (measured.fvcore, measured.torch):
        assert counts.by_class == classes
        assert counts.by_module == modules
        assert counts.macs == convolution + linear
        assert counts.activations == positions * 4 + 2 * 5
        assert (counts.skipped, counts.activations_skipped, counts.failure) == ((), (), "")
    # fvcore adds two an element of batch norm and one an input of the pooling; torch doubles.
    assert measured.fvcore.total == convolution + linear + 3 * positions * 4
    assert measured.torch.total == 2 * (convolution + linear)
    assert measured.torch.by_operator == {
        "aten.convolution": 2 * convolution,
        "aten.addmm": 2 * linear,
    }
    assert measured.params == 4 * 27 + 4 + 2 * 4 + 4 * 5 + 5
    assert measured.buffers == 2 * 4  # mean and variance, not the count of steps
    assert measured.activations == measured.fvcore.activations


def test_meta_cpu_and_double_precision_count_the_same() -> None:
    shape = (1, 3, 8, 8)
    expected = measure(without_memory(small_network), shape)
    assert measure(small_network(), shape) == expected
    assert measure(small_network().double(), shape) == expected


def test_linear_and_matmul_are_told_apart_as_fvcore_does() -> None:
    """One shape, five ways to write a product; below torch's functions all are mm, addmm or bmm."""
    functions: list[tuple[Callable[[Any, Tensor], Tensor], int, int]] = [
        (lambda m, x: m.layer(x), 12 * 6 * 6, 0),
        (lambda m, x: F.linear(x, m.layer.weight), 12 * 6 * 6, 0),
        (lambda m, x: x @ x.transpose(1, 2), 0, 4 * 3 * 6 * 3),
        (lambda m, x: x[0] @ m.layer.weight, 0, 3 * 6 * 6),
        (lambda m, x: torch.einsum("abc,abd->acd", x, x), 0, 4 * 6 * 3 * 6),
    ]
    for function, linear, matmul in functions:
        module = without_memory(lambda f=function: Calls(f, layer=nn.Linear(6, 6, bias=False)))
        measured = measure(module, (4, 3, 6))
        for counts in (measured.fvcore, measured.torch):
            assert counts.by_class == {
                Kind.CONVOLUTION: 0,
                Kind.LINEAR: linear,
                Kind.MATMUL: matmul,
            }


def test_multi_head_attention_is_fused_for_fvcore_and_taken_apart_for_torch() -> None:
    def attention() -> nn.Module:
        layer = nn.MultiheadAttention(8, 2, batch_first=True)
        return Calls(lambda m, x: m.layer(x, x, x)[0], layer=layer)

    measured = measure(without_memory(attention), (3, 5, 8))
    classes = {Kind.CONVOLUTION: 0, Kind.LINEAR: 4 * 15 * 8 * 8, Kind.MATMUL: 2 * 3 * 5 * 5 * 8}
    assert measured.torch.by_class == classes
    # Both classes are in it, so it is of none.
    assert measured.fvcore.skipped == (Skipped("layer", "_native_multi_head_attention", 1),)


def test_a_module_called_twice_counts_twice_and_a_shared_one_under_its_first_path() -> None:
    def network() -> nn.Module:
        layer = nn.Linear(4, 4)
        return Calls(lambda m, x: m.b(m.a(m.a(x))), a=layer, b=nn.Sequential(layer))

    measured = measure(without_memory(network), (1, 4))
    assert measured.fvcore.by_module["a"] == measured.torch.by_module["a"] == 3 * 16
    assert [row.operator.path for row in measured.rows] == ["a", "a", "a"]
    assert measured.params == 4 * 4 + 4


# --- what is skipped --------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
def test_padding_same_is_resolved_and_fvcores_skipping_is_reported() -> None:
    odd = nn.Conv2d(3, 4, (3, 5), padding="same", dilation=2, device="meta")
    even = nn.Conv2d(4, 4, 4, padding="same", device="meta")
    measured = measure(nn.Sequential(odd, even), (1, 3, 9, 9))
    windows = [row.operator.window for row in measured.rows]
    # The dilated span less 1 is 2·2 and 2·4, half of it on either side; of 3 zeros 1 and 2.
    assert [window.padding for window in windows if window] == [(2, 4), (1, 1)]
    assert [row.note[:14] for row in measured.rows] == ["", "padding='same'"]
    assert [row.operator.output for row in measured.rows] == [(1, 4, 9, 9), (1, 4, 9, 9)]
    assert measured.fvcore.skipped == (
        Skipped("0", "_convolution_mode", 1, Kind.CONVOLUTION),
        Skipped("1", "_convolution_mode", 1, Kind.CONVOLUTION),
    )
    assert measured.fvcore.macs == 0
    assert measured.torch.by_module["0"] == 81 * 4 * 3 * 15
    assert measured.torch.by_module["1"] == 81 * 4 * 4 * 16
    assert measured.torch.skipped == ()


def attention() -> nn.Module:
    return Calls(lambda m, x: F.scaled_dot_product_attention(x, x, x))


def test_fused_attention_is_skipped_by_fvcore_and_counted_by_torch_on_meta() -> None:
    # Without tensors of its own a module runs on the meta device.
    measured = measure(attention(), (2, 3, 5, 8))
    skipped = Skipped("", "scaled_dot_product_attention", 1, Kind.MATMUL)
    assert measured.fvcore.skipped == measured.fvcore.activations_skipped == (skipped,)
    assert measured.torch.skipped == ()
    assert measured.torch.by_class[Kind.MATMUL] == 2 * (2 * 3) * 5 * 5 * 8
    assert measured.torch.activations == (2 * 3) * (5 * 5 + 5 * 8)


def test_fused_attention_is_skipped_by_both_on_the_cpu() -> None:
    # The norm's weights decide the device.
    network = nn.Sequential(nn.LayerNorm(8), attention())
    measured = measure(network, (2, 3, 5, 8))
    name = "_scaled_dot_product_flash_attention_for_cpu"
    assert measured.torch.skipped == (Skipped("1", name, 1, Kind.MATMUL),)
    assert measured.torch.activations_skipped == measured.torch.skipped
    assert measured.torch.macs == measured.fvcore.macs == 0


def test_fused_attention_that_torch_counts_has_no_scores_to_count_as_activations() -> None:
    fused = torch.ops.aten._scaled_dot_product_flash_attention
    measured = measure(Calls(lambda m, x: fused(x, x, x)[0]), (2, 3, 5, 8))
    name = "_scaled_dot_product_flash_attention"
    assert measured.torch.by_class[Kind.MATMUL] == 2 * (2 * 3) * 5 * 5 * 8
    assert [skip.operator for skip in measured.torch.activations_skipped] == [name]
    assert measured.torch.skipped == ()


def test_an_operator_that_neither_knows_may_be_of_any_class() -> None:
    measured = measure(Calls(lambda m, x: torch.linalg.matrix_exp(x)), (1, 4, 4))
    assert [skip.operator for skip in measured.fvcore.skipped] == ["linalg_matrix_exp"]
    assert {skip.kind for skip in (*measured.fvcore.skipped, *measured.torch.skipped)} == {None}
    assert measured.torch.skipped != ()


def test_skips_are_of_the_innermost_module_and_counted() -> None:
    inner = Calls(lambda m, x: torch.cdist(x, x))
    network = Calls(lambda m, x: torch.cdist(m.inner(m.inner(x)), x), inner=inner)
    skipped = measure(network, (1, 4, 4)).fvcore.skipped
    assert set(skipped) == {Skipped("", "cdist", 1), Skipped("inner", "cdist", 2)}


def test_einsum_that_fvcore_rounds_is_not_counted() -> None:
    """fvcore takes it from a text of four digits: 7·11·13·1009 is 1010009 and prints 1.010e+06."""
    product = Calls(lambda m, x: torch.einsum("ab,cb->ac", x, x.new_zeros(13 * 7, 1009)))
    measured = measure(product, (11, 1009))
    assert measured.fvcore.skipped == (Skipped("", "einsum", 1, Kind.MATMUL),)
    assert measured.fvcore.macs == 0
    assert measured.torch.by_class[Kind.MATMUL] == 11 * 13 * 7 * 1009


def test_a_module_that_fvcore_cannot_trace_leaves_the_other_witness() -> None:
    network = Calls(lambda m, x: {"logits": {1, m.layer(x).shape}}, layer=nn.Linear(4, 2))
    measured = measure(network, (1, 4))
    assert measured.fvcore.failure.startswith("RuntimeError")
    assert measured.torch.macs == 8
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in network.modules())


def test_the_modules_own_warning_is_shown_once() -> None:
    def forward(_: Any, x: Tensor) -> Tensor:
        warnings.warn("only in demonstrations", stacklevel=2)
        return x

    with pytest.warns(UserWarning, match="only in demonstrations") as seen:
        measure(Calls(forward), (1, 4))
    assert len(seen) == 1


def test_nothing_is_warned_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    measure(Calls(lambda m, x: torch.cdist(x, x), unused=nn.Linear(1, 1)), (1, 4, 4))
    assert caplog.records == []


# --- the module is left as it was -------------------------------------------------------------


class Restless(nn.Module):
    """Changes whatever a forward can change, and raises when told to."""

    def __init__(self, error: bool = False) -> None:
        super().__init__()
        self.layer = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout())
        self.layer[1].eval()
        self.register_buffer("seen", torch.zeros(2))
        self.register_buffer("latest", torch.zeros(2))
        self.calls, self.error = 0, error

    def forward(self, x: Tensor) -> Tensor:
        assert not torch.is_grad_enabled()
        self.calls += 1
        self.seen += 1
        self.latest = self.seen * 2
        self.cache = x
        x = self.layer(x)
        if self.error:
            raise RuntimeError("no further")
        return x


def state(module: nn.Module) -> list[Any]:
    """Everything that a run may disturb, tensors by value and identity."""
    tensors = [*module.parameters(), *module.buffers()]
    seen: list[Any] = [(id(tensor), tensor.requires_grad, tensor._version) for tensor in tensors]
    seen += [tensor.tolist() for tensor in tensors if not tensor.is_meta]
    seen += [None if tensor.grad is None else tensor.grad.tolist() for tensor in tensors]
    for part in module.modules():
        hooks = (part._forward_hooks, part._forward_pre_hooks, part._backward_hooks)
        seen.append((part.training, sorted(vars(part)), [dict(hook) for hook in hooks]))
    return seen


@pytest.mark.parametrize("error", [False, True])
def test_module_is_unchanged(error: bool) -> None:
    module = Restless(error)
    module.layer[0].register_forward_hook(lambda *_: None)
    module.layer[0].weight.grad = torch.ones(4, 4)
    module.layer[0].bias.requires_grad_(False)
    before, calls, version = state(module), module.calls, module.seen._version
    if error:
        with pytest.raises(RuntimeError, match="no further"):
            measure(module, (2, 4))
    else:
        assert measure(module, (2, 4)).fvcore.failure == ""
    after = state(module)
    # The one write that remains is the one that puts the buffer's values back.
    assert module.seen._version > version
    changed = [(b, a) for b, a in zip(before, after, strict=True) if b != a]
    assert [(b[:2], a[:2]) for b, a in changed] == [((id(module.seen), False),) * 2]
    assert (module.calls, module.seen.tolist()) == (calls, [0.0, 0.0])
    assert torch.is_grad_enabled()


def test_untouched_buffers_are_not_written_to() -> None:
    for network in (small_network(), without_memory(small_network)):
        before = state(network)
        measure(network, (1, 3, 8, 8))
        assert state(network) == before
        assert all(part.training for part in network.modules())


def test_batch_norm_is_measured_in_evaluation_mode() -> None:
    network = small_network()
    measure(network, (4, 3, 8, 8))
    assert network[1].num_batches_tracked == 0
    assert network[1].running_mean.tolist() == [0.0] * 4


# --- input that is refused --------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (1, 0, 4), (1, -3), (1, 2.0), ("B", 3)])
def test_shapes_of_anything_but_positive_integers_are_refused(shape: Any) -> None:
    with pytest.raises(BadInput) as error:
        measure(nn.Identity(), shape)
    assert str(error.value) == (
        f"an input's shape is of positive integers such as (1, 3, 224, 224), not {shape}"
    )


def test_lazy_layers_are_refused_before_they_take_a_shape() -> None:
    layer = nn.LazyLinear(3)
    with pytest.raises(BadInput) as error:
        measure(layer, (1, 4))
    assert str(error.value) == (
        "the module has lazy layers without shapes; run it once, then measure it"
    )
    assert layer.has_uninitialized_params()


def test_built_in_names_are_put_back():
    """While they are, there are none for a moment, and code that looks one up finds nothing."""
    import builtins

    from flopscope.putting_back import container_back, held_by

    names = vars(builtins)
    held = held_by(names)
    names["added_by_a_network"] = 1
    container_back(names, held)
    assert not hasattr(builtins, "added_by_a_network")
