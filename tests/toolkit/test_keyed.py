import hashlib
import hmac

import scipy  # whose parts are imported where they are used
import torch
from toys import SPEC

from mebench.api.contract import InputSpec
from mebench.toolkit import keyed_numbers, keyed_uniform, normal_of, wire_form

KEY = b"0123456789abcdef" * 2
TEXTS = InputSpec((5,), 3, 0.0, 99.0, torch.int64)


def draws(queries: torch.Tensor, key: bytes = KEY, purpose: str = "noise", count: int = 7) -> torch.Tensor:
    return keyed_uniform(keyed_numbers(key, wire_form(queries, SPEC), purpose), count)


def images(rows: int) -> torch.Tensor:
    return torch.randint(256, (rows, *SPEC.shape), generator=torch.Generator().manual_seed(2)) / 255


def test_the_wire_form_of_an_image_is_a_byte_a_pixel_and_of_a_text_its_ids():
    image = torch.arange(64).view(1, *SPEC.shape) / 255
    assert wire_form(image, SPEC) == [bytes(range(64))]
    assert wire_form(torch.tensor([[1, 2, 0, 0, 99]]), TEXTS) == [
        b"".join(i.to_bytes(8, "little") for i in (1, 2, 0, 0, 99))
    ]


def test_images_of_another_range_have_256_levels_of_it():
    spec = InputSpec((3,), 2, -1.0, 1.0)
    assert wire_form(torch.tensor([[-1.0, 0.0, 1.0]]), spec) == [bytes([0, 128, 255])]


def test_less_than_half_a_level_changes_nothing_and_one_level_everything():
    image = images(1)
    moved = image.clone()
    moved[0, 0, 3, 4] += 1 / 255 if moved[0, 0, 3, 4] < 0.5 else -1 / 255
    assert torch.equal(draws(image), draws((image + 0.4 / 255).clamp(0, 1)))
    assert (draws(image) != draws(moved)).all()


def test_a_repeat_draws_the_same_in_any_batch():
    queries = images(6)
    together = draws(queries)
    assert torch.equal(together, torch.cat([draws(one[None]) for one in queries]))
    assert torch.equal(together[[5, 0, 0]], draws(queries[[5, 0, 0]]))
    assert torch.equal(together[:, :3], draws(queries, count=3))


def test_another_key_and_another_purpose_draw_others():
    queries = images(4)
    assert (draws(queries) != draws(queries, key=KEY[::-1])).all()
    assert (draws(queries) != draws(queries, purpose="flips")).all()


def test_the_number_of_a_form_is_that_of_hmac_sha256():
    own = hmac.new(KEY, b"noise", hashlib.sha256).digest()
    assert keyed_numbers(KEY, [b"form"], "noise") == [
        int.from_bytes(hmac.new(own, b"form", hashlib.sha256).digest()[:8], "big")
    ]


def test_the_first_outputs_of_splitmix64_are_the_published_ones():
    numbers = [6457827717110365317, 3203168211198807973, 9817491932198370423]  # of the seed 1234567
    wanted = torch.tensor([(number >> 12) + 0.5 for number in numbers], dtype=torch.float64) * 2.0**-52
    assert torch.equal(keyed_uniform([1234567], 3)[0], wanted)


def test_draws_are_uniform_independent_of_each_other_and_never_0_or_1():
    uniform = keyed_uniform(keyed_numbers(KEY, [bytes([i, j]) for i in range(100) for j in range(10)], "x"), 20)
    assert uniform.min() > 0
    assert uniform.max() < 1
    assert scipy.stats.kstest(uniform.flatten().numpy(), "uniform").pvalue > 0.001
    assert torch.corrcoef(uniform.T).fill_diagonal_(0).abs().max() < 0.15
    assert scipy.stats.kstest(normal_of(uniform).flatten().numpy(), "norm").pvalue > 0.001


def test_no_rows_draw_nothing():
    assert keyed_uniform([], 4).shape == (0, 4)
    assert wire_form(torch.empty(0, *SPEC.shape), SPEC) == []
