"""What mebench is timed against: DFME written down straightforwardly, after the paper.

No folding, no shared code with mebench: upsampling and convolution are two layers, directions are drawn with NumPy in
float64, gradients go to all parameters.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class PlainGenerator(nn.Module):
    """The generator with upsampling and convolution as two layers."""

    def __init__(self, channels: int, size: int, noise_dim: int, width: int) -> None:
        super().__init__()
        self.start = (width, size // 4, size // 4)
        self.linear = nn.Linear(noise_dim, width * (size // 4) ** 2)
        self.norm0 = nn.BatchNorm2d(width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width // 2, 3, padding=1)
        self.norm2 = nn.BatchNorm2d(width // 2)
        self.conv3 = nn.Conv2d(width // 2, channels, 3, padding=1)
        self.norm3 = nn.BatchNorm2d(channels, affine=False)

    def forward(self, noise):
        x = self.norm0(self.linear(noise).view(-1, *self.start))
        x = functional.leaky_relu(self.norm1(self.conv1(functional.interpolate(x, scale_factor=2))), 0.2)
        x = functional.leaky_relu(self.norm2(self.conv2(functional.interpolate(x, scale_factor=2))), 0.2)
        return self.norm3(self.conv3(x))

    def load_folded(self, generator: nn.Module) -> None:
        """Take the weights of mebench's generator."""
        self.linear.load_state_dict(generator.linear.state_dict())
        ours = [layer for layer in generator.layers if list(layer.state_dict())]
        names = ["norm0", "conv1", "norm1", "conv2", "norm2", "conv3", "norm3"]
        for name, layer in zip(names, ours, strict=True):
            getattr(self, name).load_state_dict(layer.state_dict())


def images_of(raw):
    return (torch.tanh(raw) + 1) / 2


def l1(probabilities, clone_logits):
    target = probabilities.log()
    target = target - target.mean(1, keepdim=True)
    return (target - (clone_logits - clone_logits.mean(1, keepdim=True))).abs().mean(1)


class NaiveDFME:
    """One DFME iteration (N_G = 1, N_C = 5, m = 1) in the order of the paper's algorithm."""

    def __init__(self, victim, clone, generator, batch_size=256, noise_dim=256, lr_generator=5e-4, lr_clone=0.1):
        self.victim, self.clone, self.generator = victim, clone, generator
        self.batch_size, self.noise_dim = batch_size, noise_dim
        self.adam = torch.optim.Adam(generator.parameters(), lr=lr_generator)
        self.sgd = torch.optim.SGD(clone.parameters(), lr=lr_clone, momentum=0.9, weight_decay=5e-4)
        self.numpy = np.random.default_rng(0)

    def draw(self):
        return torch.randn(self.batch_size, self.noise_dim)

    def direction(self, shape):
        direction = self.numpy.normal(size=(shape[0], int(np.prod(shape[1:]))))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        return torch.from_numpy(direction).float().view(shape)

    def loss(self, raw):
        images = images_of(raw)
        return l1(torch.softmax(self.victim(images), 1), self.clone(images))

    def iteration(self):
        raw = self.generator(self.draw())
        self.clone.eval()
        with torch.no_grad():
            direction = self.direction(raw.shape).to(raw.dtype)
            slope = (self.loss(raw + 1e-3 * direction) - self.loss(raw)) / 1e-3
            gradient = raw[0].numel() * slope.view(-1, 1, 1, 1) * direction
        self.adam.zero_grad()
        raw.backward(-gradient / len(raw))
        self.adam.step()
        self.clone.train()
        for _ in range(5):
            images = images_of(self.generator(self.draw())).detach()
            with torch.no_grad():
                answers = torch.softmax(self.victim(images), 1)
            self.sgd.zero_grad()
            l1(answers, self.clone(images)).mean().backward()
            self.sgd.step()


def k_center(points, centre, picks):
    """Greedy k-center as it is usually written: after every pick, the distances of all points to it."""
    near = np.linalg.norm(points - centre, axis=1)
    chosen = []
    for _ in range(picks):
        chosen.append(int(near.argmax()))
        near = np.minimum(near, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return chosen


def deepfool(network, image, overshoot=0.02, max_steps=50):
    """DeepFool as it is usually written: one image, and at each step a backward pass per class."""
    label = int(network(image).argmax())
    total, moved, steps = torch.zeros_like(image), image, 0
    while steps < max_steps:
        point = moved.detach().requires_grad_()
        logits = network(point)[0]
        if int(logits.argmax()) != label:
            break
        gradients = [torch.autograd.grad(logit, point, retain_graph=True)[0] for logit in logits]
        best, step = np.inf, total
        for k, gradient in enumerate(gradients):
            if k == label:
                continue
            normal = gradient - gradients[label]
            gap, length = abs((logits[k] - logits[label]).item()), normal.norm().item()
            if gap / length < best:
                best, step = gap / length, gap / length**2 * normal
        total = total + step
        moved = image + (1 + overshoot) * total
        steps += 1
    return (1 + overshoot) * float(total.norm()), steps
