import torch
from torch import nn
from toys import SPEC, perceptron

from mebench.toolkit import input_gradient


def test_the_gradient_of_each_input_is_that_of_finite_differences():
    network = perceptron(seed=2, scale=4).double()
    inputs = torch.rand(4, *SPEC.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    direction = torch.randn(inputs.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = input_gradient(network, inputs, lambda logits: logits.logsumexp(1))

    def told(step):
        return network(inputs + step * direction).logsumexp(1)

    slopes = (told(1e-5) - told(-1e-5)) / 2e-5
    torch.testing.assert_close((found * direction).flatten(1).sum(1), slopes.detach(), rtol=1e-4, atol=1e-6)


def test_a_network_is_left_as_it_was_and_its_weights_get_no_gradients():
    network = nn.Sequential(nn.Dropout(0.5), perceptron()).train()
    inputs = torch.rand(3, *SPEC.shape)
    with torch.no_grad():
        first, second = (input_gradient(network, inputs, lambda logits: logits[:, 0]) for _ in range(2))
    assert torch.equal(first, second)
    assert network.training
    assert not inputs.requires_grad
    assert all(weight.grad is None and weight.requires_grad for weight in network.parameters())
