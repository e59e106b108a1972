"""Blocks as large code bases write them, whose reshapes make torch ask about its own layout.

Each takes the module that holds its layers `s`, and its inputs. They run at batch 1 as at others.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

TOKENS = ("B", "T", 8)
IMAGE = ("B", 3, "H", "W")
WAVE = ("B", 1, "T")
VOLUME = ("B", 1, "D", "H", "W")


class Block(nn.Module):
    """Some layers, and the function that is the block."""

    def __init__(self, forward, **layers):
        super().__init__()
        self.function = forward
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, *inputs):
        return self.function(self, *inputs)


def rotated(x):
    tokens, width = x.shape[-2:]
    speeds = 1 / 10000 ** (torch.arange(0, width, 2, dtype=torch.float32) / width)
    angles = torch.outer(torch.arange(tokens), speeds)
    angles = torch.cat([angles, angles], -1)[None, None]
    first, second = x[..., : width // 2], x[..., width // 2 :]
    return x * angles.cos() + torch.cat([-second, first], -1) * angles.sin()


def shared_heads(s, x):
    batch, tokens, _ = x.shape
    query = rotated(s.query(x).view(batch, tokens, 4, 2).transpose(1, 2))
    key = rotated(s.key(x).view(batch, tokens, 2, 2).transpose(1, 2))
    key = key[:, :, None].expand(batch, 2, 2, tokens, 2).reshape(batch, 4, tokens, 2)
    mask = torch.full((tokens, tokens), -math.inf).triu(1)[None, None].expand(batch, 1, -1, -1)
    scores = query @ key.transpose(2, 3) + mask[:, :, :, : key.shape[-2]]
    mixed = scores.softmax(-1, dtype=torch.float32).to(query.dtype) @ key
    return s.out(mixed.transpose(1, 2).contiguous().reshape(batch, tokens, -1))


def masked_attention(s, x):
    batch, tokens, width = x.shape
    query, key, value = (
        part.view(batch, -1, 2, width // 2).transpose(1, 2) for part in s.all(x).split(width, dim=2)
    )
    mask = torch.ones(tokens, tokens, dtype=torch.bool).tril()[None, None].expand(batch, -1, -1, -1)
    mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=0.1)
    return s.out(mixed.transpose(1, 2).contiguous().view(batch, tokens, width))


def unbound_heads(s, x):
    batch, tokens, width = x.shape
    parts = s.all(x).reshape(batch, tokens, 3, 2, width // 2).permute(2, 0, 3, 1, 4)
    query, key, value = parts.unbind(0)
    return s.out((query @ key.mT).softmax(-1).matmul(value).transpose(1, 2).flatten(2))


def biased_scores(s, x):
    places = torch.arange(x.shape[1])
    apart = (places[None, :] - places[:, None]).abs().clamp(max=4)
    bias = F.embedding(apart, torch.zeros(5, 2)).permute(2, 0, 1).unsqueeze(0)
    query = s.query(x).view(x.shape[0], -1, 2, 4).transpose(1, 2)
    scores = query @ query.transpose(3, 2)
    scores += bias
    return (scores.softmax(-1) @ query).transpose(1, 2).contiguous().view(x.shape[0], -1, 8)


def windows(s, x):
    x = s.stem(x).permute(0, 2, 3, 1)
    batch, height, width, channels = x.shape
    y = torch.roll(x, (-2, -2), (1, 2))
    y = y.view(batch, height // 4, 4, width // 4, 4, channels)
    y = y.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, 16, channels)
    y = s.mix(y)
    number = int(y.shape[0] / (height * width / 16))
    y = y.view(number, height // 4, width // 4, 4, 4, -1).permute(0, 1, 3, 2, 4, 5)
    return torch.roll(y.contiguous().view(number, height, width, -1), (2, 2), (1, 2))


def padded_windows(s, x):
    x = s.stem(x).permute(0, 2, 3, 1)
    batch, height, width, channels = x.shape
    x = F.pad(x, (0, 0, 0, (4 - width % 4) % 4, 0, (4 - height % 4) % 4))
    rows, columns = x.shape[1] // 4, x.shape[2] // 4
    x = x.view(batch, rows, 4, columns, 4, channels).permute(0, 1, 3, 2, 4, 5)
    x = s.mix(x.reshape(-1, 4, 4, channels)).view(batch, rows, columns, 4, 4, -1)
    x = x.permute(0, 1, 3, 2, 4, 5).reshape(batch, 4 * rows, 4 * columns, -1)
    return x[:, :height, :width].contiguous()


def merged_patches(s, x):
    x = s.stem(x).permute(0, 2, 3, 1)
    x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
    corners = [x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)]
    return s.mix(torch.cat(corners, -1)).view(x.shape[0], -1, 16)


def space_to_depth(s, x):
    batch, channels, height, width = x.shape
    x = x.view(batch, channels, height // 2, 2, width // 2, 2).permute(0, 3, 5, 1, 2, 4)
    return s.mix(
        x.contiguous().view(batch, channels * 4, height // 2, width // 2).permute(0, 2, 3, 1)
    )


def attention_on_a_map(s, x):
    y = s.norm(s.stem(x))
    batch, channels, height, width = y.shape
    tokens = s.mix(y.view(batch, channels, height * width).transpose(1, 2))
    heads = tokens.view(batch, -1, 2, tokens.shape[-1] // 2).transpose(1, 2)
    mixed = F.scaled_dot_product_attention(heads, heads, heads)
    mixed = s.mix(mixed.transpose(1, 2).reshape(batch, -1, channels))
    return mixed.transpose(-1, -2).reshape(batch, channels, height, width) + y


def channels_last(s, x):
    y = s.stem(x.to(memory_format=torch.channels_last))
    y = y.contiguous(memory_format=torch.channels_last)
    y = y if y.is_contiguous(memory_format=torch.channels_last) else y.clone()
    y = F.layer_norm(y.permute(0, 2, 3, 1), (8,)).permute(0, 3, 1, 2).contiguous()
    return F.group_norm(s.again(y), 2)


def axes_apart(s, x):
    y = s.stem(x)
    batch, channels, height, width = y.shape
    rows = s.mix(y.permute(0, 2, 3, 1).reshape(batch * height, width, channels))
    y = (rows @ rows.mT).matmul(rows).view(batch, height, width, channels).permute(0, 2, 1, 3)
    columns = s.mix(y.contiguous().view(batch * width, height, channels))
    y = torch.bmm(torch.bmm(columns, columns.permute(0, 2, 1)), columns)
    return y.view(batch, width, height, channels).permute(0, 3, 2, 1)


def shuffled_channels(s, x):
    y = s.stem(x)
    batch, channels, height, width = y.size()
    y = y.view(batch, 2, channels // 2, height, width).transpose(1, 2).contiguous()
    first, second = y.view(batch, -1, height, width).chunk(2, dim=1)
    return torch.cat([s.again(torch.cat([first, second], 1)), first], 1)


def excited(s, x):
    y = s.stem(x)
    batch, channels, _, _ = y.size()
    mean = F.avg_pool2d(y, y.shape[2:]).view(batch, channels)
    largest = F.max_pool2d(y, kernel_size=y.shape[2:]).flatten(1)
    return y * s.mix(mean + largest).sigmoid().view(batch, channels, 1, 1).expand_as(y)


def groups_apart(s, x):
    return s.again(s.stem(x).unflatten(1, (-1, 2)).flatten(1, 2))


def detection_head(s, x):
    y = s.stem(x)
    batch, _, height, width = y.shape
    y = y.view(batch, 2, 4, height, width).permute(0, 1, 3, 4, 2).contiguous()
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    grid = torch.stack((columns, rows), 2).expand(1, 2, height, width, 2)
    place, size = y.sigmoid().split((2, 2), 4)
    return s.mix(torch.cat((place * 2 + grid, size), 4).view(batch, -1, 8))


def warped(s, x):
    y = s.stem(x)
    rows, columns = torch.linspace(-1, 1, y.shape[2]), torch.linspace(-1, 1, y.shape[3])
    grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1)
    grid = grid.unsqueeze(0).repeat(y.shape[0], 1, 1, 1)
    return s.again(F.grid_sample(y, grid, align_corners=True))


def delayed(s, x):
    late = torch.zeros_like(x)
    late[:, 1:] = x[:, :-1]
    return s.mix(x * 0.5 + late * 0.5)


def in_chunks(s, x):
    batch, tokens, width = x.shape
    x = F.pad(x, (0, 0, 0, -tokens % 4)).reshape(batch, -1, 4, width)
    y = torch.einsum("bcid,bcjd->bcij", s.mix(x), x) @ x
    return y.flatten(1, 2)[:, :tokens]


def one_step_after_another(s, x):
    state = cell = torch.zeros(x.shape[0], 8)
    for place in (0, -1):
        state, cell = s.long(x[:, place], (state, cell))
        state = s.gated(state, cell)
    return state


def wave_features(s, x):
    y = F.max_pool1d(F.relu(s.norm(s.stem(x))), 3, 2, 1, ceil_mode=True)
    mean = F.adaptive_avg_pool1d(y, 1).squeeze(-1)
    return s.mix(mean + F.adaptive_max_pool1d(y, 1)[:, :, 0] + F.avg_pool1d(y, y.shape[-1])[..., 0])


def spectrogram(s, x):
    spectra = torch.stft(x.squeeze(1), 14, 4, window=torch.hann_window(14), return_complex=True)
    return s.mix(spectra.abs().pow(2).transpose(1, 2)).clamp(min=1e-5).log()


def volume_blocks(s, x):
    y = s.norm(s.stem(x))
    return torch.cat([y, s.up(F.max_pool3d(y, 2))], 1)


def wide(inputs, outputs):
    return nn.Linear(inputs, outputs)


def point(inputs, outputs):
    return nn.Conv2d(inputs, outputs, 1)


BLOCKS = (
    (shared_heads, TOKENS, {"query": wide(8, 8), "key": wide(8, 4), "out": wide(8, 8)}),
    (masked_attention, TOKENS, {"all": wide(8, 24), "out": wide(8, 8)}),
    (unbound_heads, TOKENS, {"all": wide(8, 24), "out": wide(8, 8)}),
    (biased_scores, TOKENS, {"query": wide(8, 8)}),
    (delayed, TOKENS, {"mix": wide(8, 8)}),
    (in_chunks, TOKENS, {"mix": wide(8, 8)}),
    (one_step_after_another, TOKENS, {"long": nn.LSTMCell(8, 8), "gated": nn.GRUCell(8, 8)}),
    (windows, IMAGE, {"stem": point(3, 8), "mix": wide(8, 8)}),
    (padded_windows, IMAGE, {"stem": point(3, 8), "mix": wide(8, 8)}),
    (merged_patches, IMAGE, {"stem": point(3, 8), "mix": wide(32, 16)}),
    (space_to_depth, IMAGE, {"mix": wide(12, 8)}),
    (
        attention_on_a_map,
        IMAGE,
        {"stem": point(3, 8), "mix": wide(8, 8), "norm": nn.GroupNorm(2, 8)},
    ),
    (channels_last, IMAGE, {"stem": point(3, 8), "again": point(8, 8)}),
    (axes_apart, IMAGE, {"stem": point(3, 8), "mix": wide(8, 8)}),
    (shuffled_channels, IMAGE, {"stem": point(3, 8), "again": point(8, 8)}),
    (excited, IMAGE, {"stem": point(3, 8), "mix": wide(8, 8)}),
    (groups_apart, IMAGE, {"stem": point(3, 8), "again": point(8, 8)}),
    (detection_head, IMAGE, {"stem": point(3, 8), "mix": wide(8, 8)}),
    (warped, IMAGE, {"stem": point(3, 8), "again": point(8, 8)}),
    (
        wave_features,
        WAVE,
        {"stem": nn.Conv1d(1, 8, 7, 2, 3), "norm": nn.BatchNorm1d(8), "mix": wide(8, 4)},
    ),
    (spectrogram, WAVE, {"mix": wide(8, 4)}),
    (
        volume_blocks,
        VOLUME,
        {
            "stem": nn.Conv3d(1, 4, 3, padding=1),
            "norm": nn.InstanceNorm3d(4, affine=True),
            "up": nn.ConvTranspose3d(4, 4, 2, 2),
        },
    ),
)
"""Function, shape of the input, layers."""

POINTS = {
    TOKENS: [{"B": b, "T": t} for b in (1, 2, 3) for t in (1, 4, 7)],
    IMAGE: [{"B": b, "H": h, "W": w} for b in (1, 2) for h, w in ((8, 8), (16, 4), (7, 9), (1, 1))],
    WAVE: [{"B": b, "T": t} for b in (1, 2) for t in (32, 33, 9, 7, 1)],
    VOLUME: [{"B": b, "D": d, "H": h, "W": 8} for b in (1, 2) for d in (1, 4, 5) for h in (6, 8)],
}
